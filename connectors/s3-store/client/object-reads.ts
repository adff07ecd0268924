import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'

import type { CustomerKeyInput } from './input/encryption.ts'
import { collect } from './exchange.ts'
import type { StoreRequest } from './store-requests.ts'
import { markIn, type ObjectMark } from '../object/object-mark.ts'

/** What is known of an object without reading it. */
export interface ObjectHead {
  readonly tag: string
  readonly bytes: number
  /** Null for an object that was not written by this sink. */
  readonly mark: ObjectMark | null
}

/** An object in a listing. */
export interface ListedObject {
  readonly key: string
  readonly tag: string
  readonly bytes: number
  /** Milliseconds since the epoch, by the clock of the store. */
  readonly modifiedMs: number
}

/** A part of a listing, in the order of the keys. */
export interface ObjectPage {
  readonly objects: readonly ListedObject[]
  /** Where the next part begins; null: this is the last one. */
  readonly next: string | null
}

/** Which objects a listing has. */
export interface ListRange {
  readonly prefix: string
  /** Only keys behind it. */
  readonly after?: string
  /** Of {@link ObjectPage}. */
  readonly from?: string
}

/** The object that a request is about. */
interface ObjectInput extends CustomerKeyInput {
  readonly Bucket: string
  readonly Key: string
  readonly IfMatch?: string
}

interface ListOutput {
  readonly KeyCount?: number | undefined
  readonly NextContinuationToken?: string | undefined
  readonly Contents?:
    | readonly {
        readonly Key?: string | undefined
        readonly ETag?: string | undefined
        readonly Size?: number | undefined
        readonly LastModified?: Date | undefined
      }[]
    | undefined
}

interface HeadOutput {
  readonly ETag?: string | undefined
  readonly ContentLength?: number | undefined
  readonly Metadata?: Readonly<Record<string, string>> | undefined
}

interface ReadOutput {
  readonly ETag: string | undefined
  readonly bytes: Uint8Array
}

/** Every S3 store returns the tag of what it stored, and of what is there. */
export const tagProof = { name: 'header ETag', of: ({ ETag }: { readonly ETag?: string | undefined }) => ETag }

/** A look at an object. */
export function headRequest(input: ObjectInput): StoreRequest<HeadOutput> {
  return {
    method: 'HEAD',
    key: input.Key,
    send: (client, options) => client.send(new HeadObjectCommand(input), options),
    proof: tagProof,
    firstByte: readRequest(input, 1, 'bytes=0-0'),
  }
}

/** What a look at an object shows. */
export function headOf({ ETag = '', ContentLength = 0, Metadata = {} }: HeadOutput): ObjectHead {
  return { tag: ETag, bytes: ContentLength, mark: markIn(Metadata) }
}

/** Reads an object, or a range of it. @param maxBytes of a body that is longer, the rest is dropped. */
export function readRequest(input: ObjectInput, maxBytes: number, range?: string): StoreRequest<ReadOutput> {
  const ranged = range === undefined ? input : { ...input, Range: range }
  return {
    method: 'GET',
    key: input.Key,
    send: async (client, options) => {
      const { ETag, Body } = await client.send(new GetObjectCommand(ranged), options)
      return { ETag, bytes: await collect(Body as AsyncIterable<Uint8Array>, maxBytes) }
    },
    proof: tagProof,
  }
}

/** Lists objects, a page at a time. */
export function listRequest(bucket: string, { prefix, after, from }: ListRange): StoreRequest<ListOutput> {
  const input = {
    Bucket: bucket,
    Prefix: prefix,
    ...(after === undefined ? {} : { StartAfter: after }),
    ...(from === undefined ? {} : { ContinuationToken: from }),
  }
  return {
    method: 'GET',
    key: null,
    send: (client, options) => client.send(new ListObjectsV2Command(input), options),
    // An empty page of a proxy would be an empty archive.
    proof: { name: 'element KeyCount', of: ({ KeyCount }) => KeyCount },
  }
}

/** What a listing shows. */
export function pageOf({ Contents = [], NextContinuationToken }: ListOutput): ObjectPage {
  const objects = Contents.map(({ Key = '', ETag = '', Size = 0, LastModified }) => ({
    key: Key,
    tag: ETag,
    bytes: Size,
    modifiedMs: LastModified?.getTime() ?? 0,
  }))
  return { objects, next: NextContinuationToken ?? null }
}
