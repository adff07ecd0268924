import { gunzipSync } from 'node:zlib'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'

/** An object of the archive: the offset in its name, and how many lines it holds. */
export interface ArchivedObject {
  readonly key: string
  readonly start: number
  readonly lines: number
}

/** Reads what the S3 sink wrote, as its reader would. */
export class ArchiveReader {
  readonly #client: S3Client
  readonly #bucket: string

  constructor(store: string, bucket: string) {
    const url = new URL(store)
    this.#bucket = bucket
    this.#client = new S3Client({
      endpoint: url.origin,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: url.username, secretAccessKey: url.password },
    })
  }

  get client(): S3Client {
    return this.#client
  }

  /** The objects of a topic's partition, by start offset. */
  async objects(topic: string, partition: number): Promise<readonly ArchivedObject[]> {
    const prefix = `topics/${topic}/partition=${partition}/`
    const found: ArchivedObject[] = []
    let token: string | undefined
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: prefix,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      )
      for (const { Key: key } of page.Contents ?? []) if (key !== undefined) found.push(await this.#read(key))
      token = page.NextContinuationToken
    } while (token !== undefined)
    return found.toSorted((a, b) => a.start - b.start)
  }

  async #read(key: string): Promise<ArchivedObject> {
    const { Body: body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }))
    const bytes = (await body?.transformToByteArray()) ?? new Uint8Array()
    const text = key.endsWith('.gz') ? gunzipSync(bytes) : Buffer.from(bytes)
    let lines = 0
    for (const byte of text) if (byte === 10) lines += 1
    return { key, start: Number(/\+(\d+)\.json/.exec(key)?.[1]), lines }
  }
}

/**
 * What is wrong with a cover of 0..end by objects: empty when each offset stands in exactly one. `empty` are the offsets of
 * records without a value, rising: they take an offset and no line.
 */
export function coverFaults(
  objects: readonly ArchivedObject[],
  end: number,
  empty: readonly number[] = [],
): readonly string[] {
  const faults: string[] = []
  let next = 0
  let passed = 0
  const skipEmpty = (): void => {
    for (; empty[passed] === next; passed++) next += 1
  }
  for (const { key, start, lines } of objects) {
    while (next < start && empty[passed] === next) {
      next += 1
      passed += 1
    }
    if (start > next) faults.push(`offsets ${next}–${start - 1} stand in no object`)
    if (start < next) faults.push(`${key} begins at ${start}, and offsets up to ${next - 1} stand in the object before`)
    next = start
    while (passed < empty.length && (empty[passed] ?? 0) < next) passed += 1
    for (let line = 0; line < lines; line++) {
      skipEmpty()
      next += 1
    }
  }
  skipEmpty()
  if (next !== end) faults.push(`the objects end at ${next}, the log at ${end}`)
  return faults
}
