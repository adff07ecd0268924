import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetBucketLocationCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  type ObjectCannedACL,
  type StorageClass,
} from '@aws-sdk/client-s3'
import type { Clock } from 'penstock/api'

import { checksumInput, digest, type ChecksumInput } from './input/checksums.ts'
import { conditionInput, putOutcome, type Condition, type PutOutcome } from './input/conditions.ts'
import { customerKeyInput, encryptionInput, type CustomerKeyInput } from './input/encryption.ts'
import {
  headOf,
  headRequest,
  listRequest,
  pageOf,
  readRequest,
  tagProof,
  type ListedObject,
  type ListRange,
  type ObjectHead,
  type ObjectPage,
} from './object-reads.ts'
import { RequestBody } from './request-body.ts'
import { textOf } from './s3-error.ts'
import { StoreRequests, type StoreEvents, type StoreRequest } from './store-requests.ts'
import type { StoreSettings } from '../config/store-settings.ts'
import { markMetadata, type ObjectMark } from '../object/object-mark.ts'

/** An object that is put in one request. */
export interface WholeObject {
  readonly key: string
  readonly body: readonly Uint8Array[]
  readonly condition: Condition
  readonly mark: ObjectMark
  readonly contentType: string
}

/** A part of an upload. */
export interface Part {
  readonly key: string
  readonly uploadId: string
  /** From 1. */
  readonly number: number
  readonly body: readonly Uint8Array[]
}

/** A part that is in the store. */
export interface StoredPart {
  readonly number: number
  readonly tag: string
  readonly checksum: ChecksumInput
}

/** An upload of which all parts are in the store. */
export interface UploadedObject {
  readonly key: string
  readonly uploadId: string
  readonly parts: readonly StoredPart[]
  readonly condition: Condition
}

/** A multipart upload in progress. */
export interface OpenUpload {
  readonly key: string
  readonly uploadId: string
}

/** The requests of S3 that a sink needs. They are sent and retried by {@link StoreRequests}. */
export class S3Store {
  readonly #settings: StoreSettings
  readonly #requests: StoreRequests
  /** The parameters that every request about an object has. */
  readonly #customerKey: CustomerKeyInput

  constructor(settings: StoreSettings, clock: Clock, events: StoreEvents = {}) {
    this.#settings = settings
    this.#requests = new StoreRequests(settings, clock, events)
    this.#customerKey = customerKeyInput(settings.encryption)
  }

  close(): void {
    this.#requests.close()
  }

  /**
   * Asks for the bucket, once. Credentials that may not ask for its location are accepted.
   * @throws S3UnavailableError when the store cannot be reached, S3RefusedError when bucket, credentials or region are wrong.
   */
  async checkBucket(signal: AbortSignal): Promise<void> {
    const request: StoreRequest<unknown> = {
      method: 'GET',
      key: null,
      send: (client, options) => client.send(new GetBucketLocationCommand({ Bucket: this.#settings.bucket }), options),
      proof: null,
    }
    let outcome = await this.#requests.onceShown(request, signal)
    if (outcome.verdict === 'adopt-clock') outcome = await this.#requests.onceShown(request, signal)
    if (outcome.verdict === 'done' || outcome.verdict === 'conditions-unknown') return
    if (outcome.refusal.code === 'AccessDenied') return
    if (outcome.verdict === 'retry') throw this.#requests.unavailable(request, textOf(outcome.refusal))
    throw this.#requests.refused(outcome.refusal, request)
  }

  /** Puts a whole object. */
  async putObject(object: WholeObject, signal: AbortSignal): Promise<PutOutcome> {
    const { key, condition, mark, contentType } = object
    const body = new RequestBody(object.body)
    const input = {
      ...this.#of(key),
      ...this.#newObject(mark),
      ContentType: contentType,
      ...conditionInput(condition),
      ...this.#md5(body),
      ...(await checksumInput(this.#settings.checksum, body)),
    }
    const request: StoreRequest<{ readonly ETag?: string | undefined }> = {
      method: 'PUT',
      key,
      isConditional: condition.kind !== 'any',
      send: (client, options) => client.send(new PutObjectCommand({ ...input, ...bodyInput(body) }), options),
      proof: tagProof,
    }
    return putOutcome(await this.#requests.untilSettled(request, signal))
  }

  /** Begins a multipart upload. Returns its id. */
  async createUpload(object: Pick<WholeObject, 'key' | 'mark' | 'contentType'>, signal: AbortSignal): Promise<string> {
    const { key, mark, contentType } = object
    const { checksum } = this.#settings
    const input = {
      ...this.#of(key),
      ...this.#newObject(mark),
      ContentType: contentType,
      ...(checksum === null ? {} : { ChecksumAlgorithm: checksumNames[checksum] }),
    }
    const request: StoreRequest<{ readonly UploadId?: string | undefined }> = {
      method: 'POST',
      key,
      send: (client, options) => client.send(new CreateMultipartUploadCommand(input), options),
      proof: { name: 'element UploadId', of: ({ UploadId }) => UploadId },
    }
    const outcome = await this.#requests.untilSettled(request, signal)
    if (outcome.verdict !== 'done') throw this.#requests.refused(outcome.refusal, request)
    return outcome.output.UploadId ?? ''
  }

  /** Uploads a part. Returns null when the store no longer has the upload. */
  async uploadPart(part: Part, signal: AbortSignal): Promise<StoredPart | null> {
    const { key, uploadId, number } = part
    const body = new RequestBody(part.body)
    const checksum = await checksumInput(this.#settings.checksum, body)
    const input = {
      ...this.#of(key),
      ...this.#customerKey,
      ...this.#md5(body),
      ...checksum,
      UploadId: uploadId,
      PartNumber: number,
    }
    const request: StoreRequest<{ readonly ETag?: string | undefined }> = {
      method: 'PUT',
      key,
      send: (client, options) => client.send(new UploadPartCommand({ ...input, ...bodyInput(body) }), options),
      proof: tagProof,
    }
    const outcome = await this.#requests.untilSettled(request, signal)
    if (outcome.verdict === 'no-such-upload') return null
    if (outcome.verdict !== 'done') throw this.#requests.refused(outcome.refusal, request)
    return { number, tag: outcome.output.ETag ?? '', checksum }
  }

  /** Turns the parts into the object. */
  async completeUpload({ key, uploadId, parts, condition }: UploadedObject, signal: AbortSignal): Promise<PutOutcome> {
    const input = {
      ...this.#of(key),
      ...this.#customerKey,
      ...conditionInput(condition),
      UploadId: uploadId,
      MultipartUpload: {
        Parts: parts.map((part) => ({ PartNumber: part.number, ETag: part.tag, ...part.checksum })),
      },
    }
    const request: StoreRequest<{ readonly ETag?: string | undefined }> = {
      method: 'POST',
      key,
      isConditional: condition.kind !== 'any',
      send: (client, options) => client.send(new CompleteMultipartUploadCommand(input), options),
      proof: { ...tagProof, name: 'element ETag' },
    }
    return putOutcome(await this.#requests.untilSettled(request, signal))
  }

  /** Replaces the tags of an object. @throws S3RefusedError when the store refuses it. */
  async putTags(key: string, tags: readonly (readonly [string, string])[], signal: AbortSignal): Promise<void> {
    const input = { ...this.#of(key), Tagging: { TagSet: tags.map(([Key, Value]) => ({ Key, Value })) } }
    const request: StoreRequest<unknown> = {
      method: 'PUT',
      key,
      send: (client, options) => client.send(new PutObjectTaggingCommand(input), options),
      proof: null,
    }
    const outcome = await this.#requests.untilSettled(request, signal)
    if (outcome.verdict !== 'done') throw this.#requests.refused(outcome.refusal, request)
  }

  /** Uploads that are neither completed nor aborted, whose keys begin with `prefix`. Empty when the store refuses to list them. */
  async listUploads(prefix: string, signal: AbortSignal): Promise<readonly OpenUpload[]> {
    const { bucket: Bucket } = this.#settings
    const outcome = await this.#requests.once(
      {
        method: 'GET',
        key: null,
        send: (client, options) => client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix }), options),
        proof: null,
      },
      signal,
    )
    if (outcome.verdict !== 'done') return []
    return (outcome.output.Uploads ?? []).flatMap(({ Key, UploadId }) =>
      Key === undefined || UploadId === undefined ? [] : [{ key: Key, uploadId: UploadId }],
    )
  }

  /** Aborts an upload, in one attempt: an upload that stays is removed by the store's own rules. */
  async abortUpload(key: string, uploadId: string, signal: AbortSignal): Promise<void> {
    const input = { ...this.#of(key), UploadId: uploadId }
    await this.#requests.once(
      {
        method: 'DELETE',
        key,
        send: (client, options) => client.send(new AbortMultipartUploadCommand(input), options),
        proof: null,
      },
      signal,
    )
  }

  /**
   * Looks at an object. Returns null when there is none, and `denied` when the credentials may not know: S3 responds the same
   * whether the object exists or not to those that may not list the bucket.
   */
  async headObject(key: string, signal: AbortSignal): Promise<ObjectHead | 'denied' | null> {
    const request = headRequest({ ...this.#of(key), ...this.#customerKey })
    const outcome = await this.#requests.untilSettled(request, signal)
    if (outcome.verdict === 'done') return headOf(outcome.output)
    if (outcome.verdict === 'not-found') return null
    if (outcome.refusal.status === 403 || outcome.refusal.status === 401) return 'denied'
    throw this.#requests.refused(outcome.refusal, request)
  }

  /** Reads an object. Returns null when it is not as `head` describes it. */
  async getObject(key: string, head: ObjectHead, signal: AbortSignal): Promise<Uint8Array | null> {
    const request = readRequest({ ...this.#of(key), ...this.#customerKey }, head.bytes)
    const outcome = await this.#requests.untilSettled(request, signal)
    if (outcome.verdict === 'fatal') throw this.#requests.refused(outcome.refusal, request)
    return outcome.verdict === 'done' && outcome.output.bytes.length === head.bytes ? outcome.output.bytes : null
  }

  /** Reads a range of an object, `end` excluded. Returns null when the object is not the listed one any more. */
  async getRange(
    { key, tag }: Pick<ListedObject, 'key' | 'tag'>,
    { start, end }: { readonly start: number; readonly end: number },
    signal: AbortSignal,
  ): Promise<Buffer | null> {
    const input = { ...this.#of(key), ...this.#customerKey, IfMatch: tag }
    const request = readRequest(input, end - start, `bytes=${start}-${end - 1}`)
    const outcome = await this.#requests.untilSettled(request, signal)
    if (outcome.verdict === 'fatal') throw this.#requests.refused(outcome.refusal, request)
    if (outcome.verdict !== 'done') return null
    const { bytes } = outcome.output
    return bytes.length === end - start ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : null
  }

  /** Lists a page of objects. @throws S3RefusedError without the permission to list the bucket */
  async listObjects(range: ListRange, signal: AbortSignal): Promise<ObjectPage> {
    const request = listRequest(this.#settings.bucket, range)
    const outcome = await this.#requests.untilSettled(request, signal)
    if (outcome.verdict !== 'done') throw this.#requests.refused(outcome.refusal, request)
    return pageOf(outcome.output)
  }

  #of(key: string) {
    return { Bucket: this.#settings.bucket, Key: key }
  }

  #newObject(mark: ObjectMark) {
    const { acl, storageClass, encryption } = this.#settings
    return {
      Metadata: markMetadata(mark),
      ...(acl === null ? {} : { ACL: acl as ObjectCannedACL }),
      ...(storageClass === null ? {} : { StorageClass: storageClass as StorageClass }),
      ...encryptionInput(encryption),
    }
  }

  #md5({ pieces }: RequestBody): { readonly ContentMD5?: string } {
    return this.#settings.md5 ? { ContentMD5: digest('md5', pieces).toString('base64') } : {}
  }
}

const checksumNames = { crc32: 'CRC32', crc32c: 'CRC32C', sha256: 'SHA256' } as const

function bodyInput(body: RequestBody) {
  return { Body: body.stream(), ContentLength: body.bytes }
}
