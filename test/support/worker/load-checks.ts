import { expect } from 'vitest'
import { dumpTopic } from '../broker/topic-dump.ts'
import { ElasticsearchClient } from '../elasticsearch/elasticsearch-client.ts'
import { archiveFaults } from '../load/archive-check.ts'
import { documentFaults } from '../load/document-check.ts'
import { countedRows, lastId, loadTables, renderedTable, writeLastRow, type LoadTable } from '../load/load-tables.ts'
import { checkedLog } from '../load/log-check.ts'
import type { ValueDigests } from '../load/value-digests.ts'
import type { LogView } from '../log/log-view.ts'
import type { ChangeLoad } from '../postgres/change-load.ts'
import type { S3Bucket } from '../s3/s3-bucket.ts'
import { service } from '../services.ts'
import { topicOf, type PipelinePlan } from './pipeline.ts'
import { eventually, type WorkerProcess } from './worker-process.ts'

/** A pipeline over the tables of a load that has stopped. */
export interface LoadedPipeline {
  readonly load: ChangeLoad
  readonly worker: WorkerProcess
  readonly log: LogView
  readonly plan: PipelinePlan
  readonly bucket: S3Bucket
  /** How often the source began again from a stored offset, at most; without it, no one knows. */
  readonly resumptions?: number
  /** Hears of each phase of the checks. */
  readonly say?: (phase: string) => void
}

/** A pipeline that has not moved for so long is stuck, and not slow. */
const stuckMs = 240_000

/**
 * Waits until the last change has passed through, then proves that nothing was lost or doubled: the log against the
 * tables row by row, the documents against SELECT, the archive against the log. Needs kcat, Elasticsearch and the store
 * as the run has them. Reads all of them as streams: together they may hold many gigabytes.
 */
export async function expectWhole(pipeline: LoadedPipeline): Promise<void> {
  for (const table of loadTables) await lastRowLogged(pipeline, table)
  const logged = { orders: await loggedTable(pipeline, 'orders'), ledger: await loggedTable(pipeline, 'ledger') }
  for (const table of loadTables) await expectDocuments(pipeline, table)
  for (const table of loadTables) await expectArchive(pipeline, table, logged[table])
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
  for (let since = await position(); since < target;) {
    let now = since
    await healthyUntil(worker, `${what} to ${target}, from ${since}`, stuckMs, async () => {
      now = await position()
      return now > since
    })
    since = now
  }
}

async function lastRowLogged({ load, worker, log, plan, say }: LoadedPipeline, table: LoadTable): Promise<void> {
  const topic = topicOf(plan, table)
  let next = await log.end(topic)
  let found = false
  await writeLastRow(load, table)
  await healthyAt(worker, `the last row is in ${topic}: records`, Number.POSITIVE_INFINITY, async () => {
    for await (const { offset, key } of dumpTopic(service('kcat'), {
      broker: worker.place.broker,
      topic,
      from: next,
    })) {
      found ||= key === `{"id":${lastId}}`
      next = offset + 1
    }
    return found ? Number.POSITIVE_INFINITY : next
  })
  say?.(`${table}: the last row is in the log, at ${next - 1}`)
}

/** Reads a table's topic with kcat and compares its changes, row by row, with each other and with the table. */
async function loggedTable(pipeline: LoadedPipeline, table: LoadTable): Promise<ValueDigests> {
  const { load, worker, log, plan, resumptions = Number.POSITIVE_INFINITY, say } = pipeline
  const topic = topicOf(plan, table)
  const records = dumpTopic(service('kcat'), { broker: worker.place.broker, topic })
  const expected = { rows: countedRows(load, table), end: await log.end(topic), resumptions }
  const { values, resent, runs, faults } = await checkedLog(records, expected)
  expect(faults, table).toEqual([])
  say?.(`${table}: the log is whole: ${values.length} records, ${resent} of them re-sent in ${runs} runs`)
  return values
}

async function expectDocuments({ load, worker, log, plan, say }: LoadedPipeline, table: LoadTable): Promise<void> {
  const topic = topicOf(plan, table)
  const end = await log.end(topic)
  await healthyAt(worker, `${topic} is indexed`, end, async () => await log.committed('search', topic))
  say?.(`${table}: the log is indexed to its end`)
  const client = new ElasticsearchClient(service('elasticsearch'))
  expect(await documentFaults(client.documentPages(topic), renderedTable(load, table))).toEqual([])
  say?.(`${table}: the documents are the rows: ${await client.count(topic)}`)
}

/** After a last rotation by the clock the topic stands in the archive once, to its end. */
async function expectArchive(pipeline: LoadedPipeline, table: LoadTable, values: ValueDigests): Promise<void> {
  const { worker, log, plan, bucket, say } = pipeline
  const topic = topicOf(plan, table)
  await healthyAt(worker, `${topic} is archived`, values.length, async () => await log.committed('archive', topic))
  say?.(`${table}: the log is archived to its end`)
  const keys = (await bucket.keys()).filter((key) => key.startsWith(`topics/${topic}/`))
  expect(await archiveFaults({ keys, lines: (key) => bucket.lines(key) }, values)).toEqual([])
  say?.(`${table}: the archive is the log: ${keys.length} objects`)
}
