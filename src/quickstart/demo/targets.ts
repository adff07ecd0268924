import { errorMessage } from '../../foundation/error-message.ts'
import { QuickstartError } from '../quickstart-error.ts'

/** Asks Elasticsearch what a person would ask it. */
export class Search {
  readonly origin: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(url: string) {
    const { origin, username, password } = new URL(url)
    this.origin = origin
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
    this.#headers = username === '' ? {} : { authorization: `Basic ${login}` }
  }

  /** Documents that a search of the index finds; 0 when there is no index. */
  async count(index: string, signal: AbortSignal): Promise<number> {
    const answer = (await this.#get(`/${index}/_count`, signal)) as { count?: number } | null
    return answer?.count ?? 0
  }

  /** A document by its id; null when there is none. */
  async document(index: string, id: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>> | null> {
    const answer = (await this.#get(`/${index}/_doc/${id}`, signal)) as { _source?: Record<string, unknown> } | null
    return answer?._source ?? null
  }

  /** Deletes the indices that are there. */
  async delete(indices: string, signal: AbortSignal): Promise<void> {
    const path = `/${indices}?ignore_unavailable=true`
    const answer = await fetch(this.origin + path, { method: 'DELETE', headers: this.#headers, signal })
    if (!answer.ok)
      throw new QuickstartError(`DELETE ${this.origin}${path}: HTTP ${answer.status} ${await answer.text()}`)
    await answer.body?.cancel()
  }

  async #get(path: string, signal: AbortSignal): Promise<unknown> {
    const answer = await fetch(this.origin + path, { headers: this.#headers, signal })
    if (answer.status === 404 || answer.status === 503) {
      await answer.body?.cancel() // not there yet, or its shard is not
      return null
    }
    if (!answer.ok) throw new QuickstartError(`${this.origin}${path}: HTTP ${answer.status} ${await answer.text()}`)
    return answer.json()
  }
}

/** Looks into the S3 store. Its errors name store, bucket and operation. */
export class Archive {
  readonly origin: string
  readonly #bucket: string
  readonly #s3: ReturnType<typeof openStore>

  constructor(url: string, bucket: string) {
    this.origin = new URL(url).origin
    this.#bucket = bucket
    this.#s3 = openStore(url, bucket)
  }

  /** Makes the bucket unless it is there. */
  async makeBucket(): Promise<void> {
    const { makeBucket } = await this.#s3
    await this.#named('CreateBucket', makeBucket)
  }

  /** How many objects begin with `prefix`, up to a thousand. */
  async count(prefix: string): Promise<number> {
    const { list } = await this.#s3
    return (await this.#named('ListObjectsV2', () => list(prefix))).length
  }

  /** Deletes the objects that begin with `prefix`. */
  async delete(prefix: string): Promise<void> {
    const { list, remove } = await this.#s3
    for (;;) {
      const keys = await this.#named('ListObjectsV2', () => list(prefix))
      if (keys.length === 0) return
      // One by one: some stores want a checksum for a list, and there are few.
      for (const key of keys) await this.#named('DeleteObject', () => remove(key))
    }
  }

  async #named<T>(operation: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      const code = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : ''
      const why = `${operation} in bucket ${this.#bucket} of ${this.origin} failed: ${code}${errorMessage(error)}`
      throw new QuickstartError(why, { cause: error })
    }
  }
}

/** The SDK is large: it is loaded when a store is there to be asked. */
async function openStore(url: string, bucket: string) {
  const sdk = await import('@aws-sdk/client-s3')
  const { origin, username, password } = new URL(url)
  const client = new sdk.S3Client({
    endpoint: origin,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: decodeURIComponent(username), secretAccessKey: decodeURIComponent(password) },
  })
  return {
    makeBucket: async (): Promise<void> => {
      try {
        await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }))
      } catch (error) {
        if (error instanceof Error && /^BucketAlready(OwnedByYou|Exists)$/.test(error.name)) return
        throw error
      }
    },
    list: async (prefix: string): Promise<string[]> => {
      const { Contents } = await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
      return (Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
    },
    remove: async (key: string): Promise<void> => {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }))
    },
  }
}
