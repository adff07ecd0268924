import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { BenchError } from './bench-error.ts'

const indexTimeoutMs = 600_000
const mappings = {
  dynamic: 'strict',
  properties: {
    id: { type: 'long' },
    customer: { type: 'keyword' },
    status: { type: 'keyword' },
    total: { type: 'double' },
    note: { type: 'keyword' },
    created_at: { type: 'date' },
  },
}

/** Returns one record of about 230 bytes. */
export function record(id: number): { readonly key: string; readonly value: string } {
  const row = {
    id,
    customer: `customer-${id % 5000}`,
    status: 'paid',
    total: (id / 100).toFixed(2),
    note: 'n'.repeat(110),
    created_at: '2024-01-31T10:20:30Z',
  }
  return { key: JSON.stringify({ id }), value: JSON.stringify(row) }
}

/** Creates an empty index with one shard. */
export async function freshIndex(search: string, index: string): Promise<void> {
  await fetch(`${search}/${index}`, { method: 'DELETE' })
  const settings = { number_of_shards: 1, number_of_replicas: 0 }
  await send(`${search}/${index}`, 'PUT', 'application/json', JSON.stringify({ settings, mappings }))
}

/**
 * Warms up the JVM of Elasticsearch with documents in another index: while it compiles, in the first 600,000 documents, the
 * rate says little about the sink.
 */
export async function warmSearch(search: string, documents: number): Promise<void> {
  const [index, aRequest, parallel] = ['bench-warm', 4000, 3]
  await freshIndex(search, index)
  let next = 0
  const sender = async (): Promise<void> => {
    for (let from = next; from < documents; from = next) {
      next = from + aRequest
      const lines = Array.from(
        { length: aRequest },
        (_, i) => `{"index":{"_id":"${from + i}"}}\n${record(from + i).value}\n`,
      )
      await send(`${search}/${index}/_bulk?filter_path=errors`, 'POST', 'application/x-ndjson', lines.join(''))
    }
  }
  await Promise.all(Array.from({ length: parallel }, sender))
  await fetch(`${search}/${index}`, { method: 'DELETE' })
}

/**
 * Waits until Elasticsearch has applied `count` documents. The commit of the last record is less precise: a worker commits
 * every 10 s.
 */
export async function indexed(search: string, index: string, count: number, check: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + indexTimeoutMs
  const path = '_stats/indexing?filter_path=_all.primaries.indexing.index_total'
  for (let polls = 0; performance.now() < deadline; polls++) {
    const answer = await fetch(`${search}/${index}/${path}`)
    const stats = (await answer.json()) as { _all?: { primaries: { indexing: { index_total: number } } } }
    if ((stats._all?.primaries.indexing.index_total ?? 0) >= count) return
    if (polls % 20 === 0) await check()
    await delay(50)
  }
  throw new BenchError(`index ${index} did not take ${count} documents in ten minutes`)
}

/** Throws unless the index has exactly `count` documents. */
export async function checkCount(search: string, index: string, count: number): Promise<void> {
  await send(`${search}/${index}/_refresh`, 'POST', 'application/json', '')
  const answer = await fetch(`${search}/${index}/_count`)
  const found = ((await answer.json()) as { count?: number }).count
  if (found !== count) throw new BenchError(`index ${index} holds ${found ?? 0} of ${count} documents`)
}

/** Creates a bucket with a unique name. */
export async function makeBucket(store: string): Promise<string> {
  const url = new URL(store)
  const client = new S3Client({
    endpoint: url.origin,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: url.username, secretAccessKey: url.password },
  })
  const bucket = `bench-${Date.now().toString(36)}`
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return bucket
}

async function send(url: string, method: string, contentType: string, body: string): Promise<void> {
  const answer = await fetch(url, { method, headers: { 'content-type': contentType }, body })
  const text = await answer.text()
  if (!answer.ok || text.includes('"errors":true')) throw new BenchError(`${method} ${url}: ${answer.status} ${text}`)
}
