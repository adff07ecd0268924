import { crc32 } from 'node:zlib'
import { expect } from 'vitest'
import type { ChangeLoad } from '../postgres/change-load.ts'
import { ElasticsearchClient } from '../elasticsearch/elasticsearch-client.ts'
import type { LogView } from '../log/log-view.ts'
import { topicOf, type PipelinePlan } from './pipeline.ts'
import { RowHistory } from '../postgres/row-history.ts'
import type { S3Bucket } from '../s3/s3-bucket.ts'
import { service } from '../services.ts'
import { dumpTopic } from '../broker/topic-dump.ts'
import { eventually, type WorkerProcess } from './worker-process.ts'

/** The tables of a {@link ChangeLoad}. */
export type LoadTable = 'orders' | 'ledger'
export const loadTables: readonly LoadTable[] = ['orders', 'ledger']

/** A pipeline over the tables of a load that has stopped. */
export interface LoadedPipeline {
  readonly load: ChangeLoad
  readonly worker: WorkerProcess
  readonly log: LogView
  readonly plan: PipelinePlan
  readonly bucket: S3Bucket
}

/** What a topic holds: by offset the {@link digest} of the value, null for a tombstone; how many records were sent again. */
export interface LoggedTable {
  readonly values: readonly (number | null)[]
  readonly resent: number
}

/** Stands for a value: those of a topic may be a gigabyte. */
export const digest = (value: string): number => crc32(value)

/** A pipeline that has not moved for so long is stuck, and not slow. */
const stuckMs = 240_000

/**
 * Waits until the last change has passed through, then proves that nothing was lost or doubled: the log against the
 * tables row by row, the documents against SELECT, the archive against the log. Needs kcat, Elasticsearch and the store
 * as the run has them.
 * @returns what the log holds
 */
export async function expectWhole(pipeline: LoadedPipeline): Promise<Readonly<Record<LoadTable, LoggedTable>>> {
  await lastRowLogged(pipeline)
  const logged = { orders: await loggedTable(pipeline, 'orders'), ledger: await loggedTable(pipeline, 'ledger') }
  for (const table of loadTables) await expectDocuments(pipeline, table)
  for (const table of loadTables) await expectArchive(pipeline, table, logged[table])
  return logged
}

/** Waits for it; a task that is given up meanwhile fails the test. */
export async function healthyUntil(
  worker: WorkerProcess,
  what: string,
  timeoutMs: number,
  holds: () => Promise<boolean>,
): Promise<void> {
  await eventually(what, timeoutMs, async () => {
    expect(await worker.failures()).toEqual([])
    return (await holds()) ? true : null
  })
}

/** Waits until a position is at `target`: as long as it takes, while it rises. */
export async function healthyAt(
  worker: WorkerProcess,
  what: string,
  target: number,
  position: () => Promise<number>,
): Promise<void> {
  const since = await position()
  if (since >= target) return
  const moves = async (): Promise<boolean> => (await position()) > since
  await healthyUntil(worker, `${what} to ${target}, from ${since}`, stuckMs, moves)
  await healthyAt(worker, what, target, position)
}

async function lastRowLogged({ load, worker, plan }: LoadedPipeline): Promise<void> {
  await load.rows("INSERT INTO orders VALUES (999999999, 0, 1, now(), '{}', '{}', NULL)")
  await healthyAt(worker, 'the last row is in the log: records', Number.POSITIVE_INFINITY, async () => {
    let records = 0
    await dumpTopic(service('kcat'), worker.place.broker, topicOf(plan, 'orders'), ({ key }) => {
      records = key === '{"id":999999999}' ? Number.POSITIVE_INFINITY : records + 1
    })
    return records
  })
}

/** Reads a table's topic with kcat and compares its changes, row by row, with each other and with the table. */
async function loggedTable({ load, worker, plan }: LoadedPipeline, table: LoadTable): Promise<LoggedTable> {
  const history = new RowHistory()
  const values: (number | null)[] = []
  await dumpTopic(service('kcat'), worker.place.broker, topicOf(plan, table), ({ offset, key, value }) => {
    values[offset] = value === null ? null : digest(value)
    if (value === null) return
    const { op, after } = JSON.parse(value) as { op: string; after: { rev: number } | null }
    if (op === 'd' || after === null) history.see(key, { kind: 'end' })
    else history.see(key, { kind: op === 'r' ? 'read' : 'change', rev: after.rev })
  })
  const rows = await load.rows(`SELECT id::text AS id, rev FROM ${table}`)
  history.finish(new Map(rows.map((row) => [`{"id":${String(row['id'])}}`, Number(row['rev'])])))
  expect(history.faults, table).toEqual([])
  return { values, resent: history.resent }
}

async function expectDocuments({ load, worker, log, plan }: LoadedPipeline, table: LoadTable): Promise<void> {
  const topic = topicOf(plan, table)
  const end = await log.end(topic)
  await healthyAt(worker, `${topic} is indexed`, end, async () => await log.committed('search', topic))
  const client = new ElasticsearchClient(service('elasticsearch'))
  expect(await documentFaults(load, table, client, topic)).toEqual([])
}

/** After a last rotation by the clock the topic stands in the archive once, to its end. */
async function expectArchive(pipeline: LoadedPipeline, table: LoadTable, { values }: LoggedTable): Promise<void> {
  const { worker, log, plan, bucket } = pipeline
  const topic = topicOf(plan, table)
  await healthyAt(worker, `${topic} is archived`, values.length, async () => await log.committed('archive', topic))
  const objects = new Map<string, readonly number[]>()
  for (const key of (await bucket.keys()).filter((each) => each.startsWith(`topics/${topic}/`)))
    objects.set(key, (await bucket.text(key)).split('\n').slice(0, -1).map(digest))
  expect(archiveFaults(objects, values)).toEqual([])
}

/** Where an index and its table part: empty when each row is a document, rendered by the rules of the sink. */
async function documentFaults(
  load: ChangeLoad,
  table: LoadTable,
  client: ElasticsearchClient,
  index: string,
): Promise<readonly string[]> {
  const rows = new Map((await load.rows(selects[table])).map((row) => [String(row['id']), String(row['doc'])]))
  const documents = await client.documents(index)
  const faults: string[] = []
  for (const [id, row] of rows) {
    const found = documents.get(id)
    if (found === undefined) faults.push(`row ${id} has no document`)
    else if (normal(found) !== normal(row))
      faults.push(`row ${id} is ${row.slice(0, 300)}, its document ${found.slice(0, 300)}`)
  }
  for (const id of documents.keys()) if (!rows.has(id)) faults.push(`document ${id} has no row`)
  return faults.slice(0, 10)
}

/** Objects, and the order of keys in them, carry no meaning; trailing zeros of a second's fraction do not either. */
function normal(json: string): string {
  const { id, ...rest } = JSON.parse(json) as Record<string, unknown>
  const at = rest['at']
  if (typeof at === 'string') rest['at'] = at.replace(/\.?0*Z$/, 'Z')
  if (typeof rest['meta'] === 'string') rest['meta'] = JSON.parse(rest['meta'])
  return JSON.stringify([id, Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

const selects: Readonly<Record<LoadTable, string>> = {
  orders: `SELECT id::text AS id, json_build_object('id', id, 'rev', rev, 'total', total::text,
      'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'meta', meta::text, 'tags', tags, 'big', big)::text AS doc FROM orders`,
  ledger: `SELECT id::text AS id, json_build_object('id', id, 'rev', rev, 'amount', amount::text, 'note', note)::text AS doc FROM ledger`,
}

/**
 * Where objects and a log part: empty when each value of the log stands in exactly one object, in order, and each object
 * begins at the offset in its name. Tombstones are no lines.
 * @param objects digests of lines by key, of one partition
 * @param values digests of values by offset, null for a tombstone
 */
export function archiveFaults(
  objects: ReadonlyMap<string, readonly number[]>,
  values: readonly (number | null)[],
): readonly string[] {
  const faults: string[] = []
  let next = 0
  const skipTombstones = (): void => {
    while (next < values.length && values[next] === null) next += 1
  }
  const sorted = [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [key, lines] of sorted) {
    const start = Number(/\+(\d+)\.json/.exec(key)?.[1])
    if (start < next) faults.push(`${key} begins before ${next}, which ends the object before`)
    skipTombstones()
    if (start > next) faults.push(`${key} leaves out offsets from ${next}`)
    next = Math.max(next, start)
    for (const [index, line] of lines.entries()) {
      skipTombstones()
      if (line !== values[next]) faults.push(`${key}: line ${index} is not the value at offset ${next}`)
      next += 1
      if (faults.length > 10) return faults
    }
  }
  skipTombstones()
  if (next !== values.length) faults.push(`the objects end at ${next}, the log at ${values.length}`)
  return faults
}
