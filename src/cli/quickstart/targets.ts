import { QuickstartError } from './quickstart-error.ts'

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

/** Looks into the S3 store. */
export class Archive {
  readonly #s3: Promise<{ makeBucket: () => Promise<void>; list: (prefix: string) => Promise<number> }>

  constructor(url: string, bucket: string) {
    this.#s3 = openStore(url, bucket)
  }

  /** Makes the bucket unless it is there. */
  async makeBucket(): Promise<void> {
    await (await this.#s3).makeBucket()
  }

  /** How many objects begin with `prefix`, up to a thousand. */
  async count(prefix: string): Promise<number> {
    return (await this.#s3).list(prefix)
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
    async makeBucket() {
      try {
        await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }))
      } catch (error) {
        if (error instanceof Error && /^BucketAlready(OwnedByYou|Exists)$/.test(error.name)) return
        throw error
      }
    },
    async list(prefix: string) {
      const { KeyCount } = await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
      return KeyCount ?? 0
    },
  }
}
