import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'

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

/** The object that a request is about. */
interface ObjectInput extends CustomerKeyInput {
  readonly Bucket: string
  readonly Key: string
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
