import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTables } from '../load/load-tables.ts'
import type { Progress } from '../load/progress.ts'
import { ChangeLoad } from '../postgres/change-load.ts'
import { S3Bucket } from '../s3/s3-bucket.ts'
import { seededRandom } from '../seeded-random.ts'
import { service } from '../services.ts'
import { healthyUntil } from './load-checks.ts'
import { topicOf, type PipelinePlan } from './pipeline.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A load of a database, and where the pipeline that carries it reads and writes. */
export interface LoadStage {
  readonly ledgerRows: number
  readonly load: ChangeLoad
  readonly directory: string
  readonly plan: PipelinePlan
  readonly bucket: S3Bucket
  readonly random: () => number
  readonly say: Progress['say']
}

/** How many rows there are before the load starts, and how many connections write then. */
export interface LoadSize {
  readonly ledgerRows: number
  readonly writers: number
}

/** The converters of the workers that run the pipeline. */
export const plainJson = { 'key.converter.schemas.enable': 'false', 'value.converter.schemas.enable': 'false' }

/** @param prefix of the topics and of the replication slot; none other may have it */
export async function prepareLoad(
  prefix: string,
  { ledgerRows, writers }: LoadSize,
  seed: number,
  say: Progress['say'],
): Promise<LoadStage> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-kill-'))
  const load = await ChangeLoad.make(service('postgres'), prefix, { ledgerRows, seed, connections: writers })
  const bucket = await S3Bucket.create(service('minio'))
  const plan: PipelinePlan = {
    database: load.url,
    tables: loadTables,
    prefix,
    slot: prefix,
    elasticsearch: service('elasticsearch'),
    store: service('minio'),
    bucket: bucket.name,
    source: {
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'isostring',
      'topic.creation.default.segment.bytes': '4194304',
    },
    archive: { 'rotate.schedule.interval.ms': '5000' },
  }
  return { ledgerRows, load, directory, plan, bucket, random: seededRandom(seed), say }
}

/** Removes everything of the load but its directory. */
export async function removeLoad({ load, plan, bucket }: LoadStage): Promise<void> {
  await load.stop()
  await load.drop()
  for (const table of loadTables)
    await fetch(`${service('elasticsearch')}/${topicOf(plan, table)}`, { method: 'DELETE' })
  await bucket.remove()
}

/** Removes the directory, unless KILL_KEEP=1 keeps that of a run that failed. */
export function removeDirectory({ directory, say }: LoadStage, hasFailed: boolean): void {
  if (hasFailed && process.env['KILL_KEEP'] === '1') say(`keeps ${directory}`)
  else rmSync(directory, { recursive: true, force: true })
}

/** Until the stored offset is one of the stream: a kill before that would only begin another snapshot. */
export async function snapshotDone(worker: WorkerProcess): Promise<void> {
  await healthyUntil(worker, 'the snapshot is complete and the stream acknowledged', 600_000, async () => {
    const { offsets } = (await worker.request('GET', '/connectors/source/offsets')) as StoredOffsets
    return offsets.some(({ offset }) => offset['lsn_commit'] !== undefined)
  })
}

interface StoredOffsets {
  readonly offsets: readonly { readonly offset: Readonly<Record<string, unknown>> }[]
}
