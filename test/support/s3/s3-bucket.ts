import { randomUUID } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { createGunzip, gunzipSync } from 'node:zlib'

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { linesOf } from '../lines.ts'
import { present, type RawConfig } from 'penstock/api'

/** A bucket of a real store for one test, seen through the AWS SDK: an independent reader of what a sink wrote. */
export class S3Bucket {
  readonly name: string
  readonly client: S3Client
  readonly #url: URL

  private constructor(url: URL, name: string) {
    this.#url = url
    this.name = name
    this.client = new S3Client({
      endpoint: url.origin,
      region: 'us-east-1',
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      credentials: { accessKeyId: url.username, secretAccessKey: url.password },
    })
  }

  /** @param address the store's URL with its keys as user and password. */
  static async create(address: string): Promise<S3Bucket> {
    const bucket = new S3Bucket(new URL(address), `penstock-test-${randomUUID()}`)
    await bucket.client.send(new CreateBucketCommand({ Bucket: bucket.name }))
    return bucket
  }

  /** The settings of a sink that writes here; `origin` is another way to the same store. */
  config(settings: RawConfig, origin: string = this.#url.origin): RawConfig {
    return {
      name: 'archive',
      'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
      's3.bucket.name': this.name,
      's3.region': 'us-east-1',
      'store.url': origin,
      'aws.access.key.id': this.#url.username,
      'aws.secret.access.key': this.#url.password,
      's3.retry.backoff.ms': '5',
      'retry.backoff.ms': '50',
      ...settings,
    }
  }

  async keys(): Promise<string[]> {
    const keys: string[] = []
    let token: string | undefined
    do {
      const page = await this.client.send(
        new ListObjectsV2Command({
          Bucket: this.name,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      )
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''))
      token = page.NextContinuationToken
    } while (token !== undefined)
    return keys.toSorted()
  }

  async bytes(key: string): Promise<Buffer> {
    const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.name, Key: key }))
    return Buffer.from(await present(Body, key).transformToByteArray())
  }

  /** The object's text, unpacked when its name ends in `.gz`. */
  async text(key: string): Promise<string> {
    const bytes = await this.bytes(key)
    return (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  }

  /** The object's lines as a stream, for one that is larger than memory; unpacked when its name ends in `.gz`. */
  async *lines(key: string): AsyncGenerator<Buffer> {
    const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.name, Key: key }))
    if (!(Body instanceof Readable)) throw new TypeError(`${key} has no body to stream`)
    // The generator fails with the error that the callback is told.
    yield* linesOf(key.endsWith('.gz') ? pipeline(Body, createGunzip(), () => undefined) : Body)
  }

  /** All objects by key, each as its lines. */
  async objects(): Promise<Map<string, string[]>> {
    const objects = new Map<string, string[]>()
    for (const key of await this.keys()) objects.set(key, (await this.text(key)).split('\n').slice(0, -1))
    return objects
  }

  /** An object of another hand; `metadata` without the prefix `x-amz-meta-`. */
  async put(key: string, body: string | Buffer, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.client.send(new PutObjectCommand({ Bucket: this.name, Key: key, Body: body, Metadata: metadata }))
  }

  async tag(key: string): Promise<string> {
    return (await this.client.send(new HeadObjectCommand({ Bucket: this.name, Key: key }))).ETag ?? ''
  }

  async metadata(key: string): Promise<Readonly<Record<string, string>>> {
    return (await this.client.send(new HeadObjectCommand({ Bucket: this.name, Key: key }))).Metadata ?? {}
  }

  async delete(key: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }))
  }

  /** Keys of multipart uploads that are neither completed nor aborted, of those that begin with a prefix. */
  async openUploads(prefix: string): Promise<string[]> {
    const answer = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.name, Prefix: prefix }))
    return (answer.Uploads ?? []).map(({ Key }) => Key ?? '')
  }

  async remove(): Promise<void> {
    for (const key of await this.keys()) await this.delete(key)
    await this.client.send(new DeleteBucketCommand({ Bucket: this.name }))
    this.client.destroy()
  }
}
