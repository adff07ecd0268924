import { errorMessage } from '../../foundation/error-message.ts'
import { QuickstartError } from '../quickstart-error.ts'

/** Reads from Elasticsearch over its REST API. */
export class Search {
  readonly origin: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(url: string) {
    const { origin, username, password } = new URL(url)
    this.origin = origin
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
    this.#headers = username === '' ? {} : { authorization: `Basic ${login}` }
  }

  /** Returns the number of searchable documents in the index; 0 if it does not exist. */
  async count(index: string, signal: AbortSignal): Promise<number> {
    const response = (await this.#get(`/${index}/_count`, signal)) as { count?: number } | null
    return response?.count ?? 0
  }

  /** Returns a document by its id; null if it does not exist. */
  async document(index: string, id: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>> | null> {
    const response = (await this.#get(`/${index}/_doc/${id}`, signal)) as { _source?: Record<string, unknown> } | null
    return response?._source ?? null
  }

  /** Deletes the indices that exist. */
  async delete(indices: string, signal: AbortSignal): Promise<void> {
    const path = `/${indices}?ignore_unavailable=true`
    const response = await fetch(this.origin + path, { method: 'DELETE', headers: this.#headers, signal })
    if (!response.ok)
      throw new QuickstartError(`DELETE ${this.origin}${path}: HTTP ${response.status} ${await response.text()}`)
    await response.body?.cancel()
  }

  async #get(path: string, signal: AbortSignal): Promise<unknown> {
    const response = await fetch(this.origin + path, { headers: this.#headers, signal })
    if (response.status === 404 || response.status === 503) {
      await response.body?.cancel() // the index or its shard is not available yet
      return null
    }
    if (!response.ok)
      throw new QuickstartError(`${this.origin}${path}: HTTP ${response.status} ${await response.text()}`)
    return response.json()
  }
}

/** Reads from the S3 store. Errors name store, bucket and operation. */
export class Archive {
  readonly origin: string
  readonly #bucket: string
  readonly #s3: ReturnType<typeof openStore>

  constructor(url: string, bucket: string) {
    this.origin = new URL(url).origin
    this.#bucket = bucket
    this.#s3 = openStore(url, bucket)
  }

  /** Creates the bucket unless it exists. */
  async createBucket(): Promise<void> {
    const { createBucket } = await this.#s3
    await this.#named('CreateBucket', createBucket)
  }

  /** Returns the number of objects with that prefix, up to a thousand. */
  async count(prefix: string): Promise<number> {
    const { list } = await this.#s3
    return (await this.#named('ListObjectsV2', () => list(prefix))).length
  }

  /** Deletes the objects with that prefix. */
  async delete(prefix: string): Promise<void> {
    const { list, remove } = await this.#s3
    for (;;) {
      const keys = await this.#named('ListObjectsV2', () => list(prefix))
      if (keys.length === 0) return
      // One by one, because some stores require a checksum for DeleteObjects; there are only a few.
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

/** Loads the SDK, which is large, only when a store is used. */
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
    createBucket: async (): Promise<void> => {
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
