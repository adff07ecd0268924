import type { ConnectValue, Schema, SinkRecord } from 'penstock/api'

import type { FormatWriter } from '../../connectors/s3-sink/format/object-format.ts'
import { openFormat, type FormatSettings } from '../../connectors/s3-sink/format/open-format.ts'
import type { BenchContext } from '../parts/context.ts'
import type { Measurement } from '../parts/results.ts'
import { envelope, newChange } from '../parts/row-change.ts'
import { recordsOf, unit } from './converters.ts'

/** More than a dictionary of Parquet holds: columns that differ in each row stay so. */
const distinct = 20_000
const rowGroupBytes = 16 * 1024 * 1024

const formatsOfSink: readonly (readonly [string, FormatSettings])[] = [
  ['JSON Lines', { kind: 'json', decimalFormat: 'BASE64' }],
  ['Avro', { kind: 'avro', codec: 'null', avroData: {} }],
  ['Avro, snappy', { kind: 'avro', codec: 'snappy', avroData: {} }],
  ['Parquet', { kind: 'parquet', codec: 'snappy', rowGroupBytes }],
  ['Parquet, zstd', { kind: 'parquet', codec: 'zstd', rowGroupBytes }],
]

/** Writes records as the S3 sink does, without I/O: the CPU time of all threads that pack bytes counts. */
export async function formats({ rows, runs }: BenchContext): Promise<readonly Measurement[]> {
  const count = recordsOf(rows)
  const changes = Array.from({ length: distinct }, (_, i) => newChange(i))
  const [, after] = envelope.fields
  const kinds: readonly (readonly [string, Schema, readonly ConnectValue[]])[] = [
    ['row', after?.schema ?? envelope, changes.map((change) => change[1] ?? null)],
    ['change', envelope, changes],
  ]
  const measurements: Measurement[] = []
  for (const [kind, schema, values] of kinds) {
    for (const [name, settings] of formatsOfSink) {
      const samples: number[] = []
      let bytes = 0
      for (let run = 0; run <= runs; run += 1) {
        const start = process.cpuUsage()
        bytes = await write((await openFormat(settings)).begin(schema), values, count)
        const { user, system } = process.cpuUsage(start)
        if (run > 0) samples.push((count / (user + system)) * 1_000_000)
      }
      const conditions = { records: count, 'bytes of a record': Math.round(bytes / count) }
      measurements.push({ what: `${kind} → object, ${name}`, who: 'penstock', unit, samples, conditions })
    }
  }
  return measurements
}

/** Returns the number of bytes of the object. */
async function write(writer: FormatWriter, values: readonly ConnectValue[], count: number): Promise<number> {
  const { signal } = new AbortController()
  const sizeOf = async (content: ReturnType<FormatWriter['drain']>): Promise<number> =>
    (Buffer.isBuffer(content) ? content : await content.pack(signal)).length
  let bytes = 0
  for (let i = 0; i < count; i += 1) {
    writer.append(record, values[i % distinct] ?? null)
    if (writer.isFull) bytes += await sizeOf(writer.drain())
  }
  return bytes + (await sizeOf(writer.finish()))
}

/** Formats look at its value only, which they get beside it. */
const record: SinkRecord = {
  topic: 'orders',
  partition: 0,
  offset: 0,
  key: null,
  keySchema: null,
  value: null,
  valueSchema: null,
  headers: [],
  timestamp: null,
  timestampType: 'NoTimestampType',
  originalTopic: 'orders',
  originalPartition: 0,
  originalOffset: 0,
}
