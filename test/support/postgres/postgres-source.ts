import type { Clock, ConnectValue, RawConfig, SourceRecord } from 'penstock/api'
import { afterEach } from 'vitest'
import { checkIntervalMs } from '../../../connectors/postgres-source/publication/publication-monitor.ts'
import { plugin } from '../../../connectors/postgres-source/index.ts'
import { TestDatabase } from './postgres.ts'
import type { SkippingClock } from '../skipping-clock.ts'
import { SourceTaskHarness, type MemoryOffsets } from '../task/source-task-harness.ts'

/** Databases and sources of a test; they are closed when it ends. */
export interface SourceBench {
  database(script: string, serverUrl?: string, encoding?: string): Promise<TestDatabase>
  source(config: RawConfig, offsets?: MemoryOffsets, pollLimit?: number, clock?: Clock): Promise<SourceTaskHarness>
  /** Registers anything else to close. */
  onEnd(action: () => Promise<void>): void
}

/** To be called inside `describe`. */
export function sourceBench(serverUrl: () => string): SourceBench {
  const sources: (() => Promise<void>)[] = []
  const endings: (() => Promise<void>)[] = []
  // Sources are closed first: DROP DATABASE waits for every session of the server, also for a COPY that no one reads.
  afterEach(async () => {
    for (const end of [...endings.splice(0), ...sources.splice(0)].toReversed()) await end()
  })
  return {
    async database(script, url = serverUrl(), encoding = 'UTF8') {
      const made = await TestDatabase.create(url, 'test', encoding)
      endings.push(() => made.drop())
      await made.play(script)
      return made
    },
    async source(config, offsets, pollLimit, clock) {
      const harness = new SourceTaskHarness(plugin, config, { offsets, pollLimit, clock })
      sources.push(() => harness.stop())
      await harness.start()
      return harness
    },
    onEnd: (action) => void endings.push(action),
  }
}

function part(record: SourceRecord, name: string): ConnectValue {
  const field = record.valueSchema?.fields.find((candidate) => candidate.name === name)
  return field !== undefined && Array.isArray(record.value) ? (record.value[field.index] ?? null) : null
}

/** `c`, `u`, `d`, `r`, `t`; `-` for a tombstone. */
export function opOf(record: SourceRecord): string {
  return record.value === null ? '-' : String(part(record, 'op'))
}

/** A row as an object by column; null when the record has none there. */
export function rowOf(record: SourceRecord, image: 'before' | 'after' = 'after'): Record<string, ConnectValue> | null {
  const row = part(record, image)
  const schema = record.valueSchema?.fields.find((candidate) => candidate.name === image)?.schema
  if (!Array.isArray(row) || schema === undefined) return null
  return Object.fromEntries(schema.fields.map((field) => [field.name, row[field.index] ?? null]))
}

/** A member of the `source` block. */
export function sourceOf(record: SourceRecord, name: string): ConnectValue {
  const schema = record.valueSchema?.fields.find((candidate) => candidate.name === 'source')?.schema
  const values = part(record, 'source')
  const field = schema?.fields.find((candidate) => candidate.name === name)
  return field !== undefined && Array.isArray(values) ? (values[field.index] ?? null) : null
}

/** The row version of a record. */
export function versionOf(record: SourceRecord): bigint {
  const header = record.headers.find((candidate) => candidate.key === '__penstock.version')
  return BigInt(String(header?.value ?? -1))
}

/** `op key` of each record: `c [1]`. */
export function story(records: readonly SourceRecord[]): string[] {
  return records.map((record) => `${opOf(record)} ${JSON.stringify(record.key)}`)
}

/** Triggers the next check of the publication. */
export async function look(source: SourceTaskHarness, clock: SkippingClock): Promise<void> {
  await source.waitFor('the watch to wait', () => clock.isWaiting(checkIntervalMs))
  clock.skip(checkIntervalMs)
}
