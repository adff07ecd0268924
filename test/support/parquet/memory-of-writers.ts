// A program: prints the memory that open files have by their own count, and by that of the thread. In a process of its own, because
// others in a thread change what it has.
import { primitive, struct, type ConnectValue } from 'penstock/api'

import type { FormatWriter } from '../../../connectors/s3-sink/format/object-format.ts'
import { reachableBytes } from '../task/reachable-bytes.ts'
import { appendValue, parquetFormat } from './parquet-file.ts'

const optional = { optional: true }
const schema = struct([
  ['id', primitive('INT64')],
  ['name', primitive('STRING', optional)],
  ['price', primitive('FLOAT64', optional)],
  ['paid', primitive('BOOLEAN', optional)],
  ['day', primitive('INT32', optional)],
])
const format = parquetFormat({ codec: 'snappy' })

function filled(records: number): FormatWriter {
  const writer = format.begin(schema)
  for (let i = 0; i < records; i += 1) {
    const row: ConnectValue = i % 5 === 0 ? [i, null, null, null, null] : [i, `name ${i % 50}`, i / 3, i % 2 === 0, -i]
    appendValue(writer, row)
  }
  return writer
}

/** A buffer is free one collection after what refers to it. */
function settledBytes(): number {
  reachableBytes()
  reachableBytes()
  return reachableBytes()
}

const [files = 0, records = 0] = process.argv.slice(2).map(Number)
filled(Math.max(records, 20_000))
const before = settledBytes()
const writers = Array.from({ length: files }, () => filled(records))
const grown = settledBytes() - before
const held = writers.reduce((sum, writer) => sum + writer.held, 0)
process.stdout.write(JSON.stringify({ held, grown }))
