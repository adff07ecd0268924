import { primitive, struct, type Converter, type ConnectValue, type RawConfig, type Schema } from 'penstock/api'

import { reachableBytes } from '../task/reachable-bytes.ts'
import { avroConverter, whenReady } from './avro-converters.ts'
import { jsonSchemaConverter } from './json-schema-codec.ts'
import { protobufConverter } from './protobuf-codec.ts'

type MakeConverter = (url: string, config?: RawConfig) => Converter

/** The converters that keep schemas of a registry. */
export const registryConverters: readonly (readonly [string, MakeConverter])[] = [
  ['AvroConverter', avroConverter],
  ['JsonSchemaConverter', jsonSchemaConverter],
  ['ProtobufConverter', protobufConverter],
]

/** The schema of a table. Each call returns another object, as a source does that has started again. */
export function tableSchema(table: number): Schema {
  const row = struct(
    [
      ['id', primitive('INT64')],
      ['name', primitive('STRING', { optional: true })],
      ['price', primitive('FLOAT64')],
      ['paid', primitive('BOOLEAN')],
      [`column_${table}`, primitive('STRING')],
    ],
    { name: `shop.table_${table}.Value` },
  )
  return struct(
    [
      ['after', row],
      ['op', primitive('STRING')],
      ['ts_ns', primitive('INT64')],
    ],
    { name: `shop.table_${table}.Envelope` },
  )
}

export function tableRow(record: number): ConnectValue {
  const name = record % 3 === 0 ? null : `name ${record}`
  return [[record, name, record / 3, true, `text ${record % 100}`], 'c', 1_700_000_000_000_000_000n + BigInt(record)]
}

export interface ManySchemas {
  readonly schemas: number
  readonly records: number
  /** After how many records the memory is measured. */
  readonly every: number
  /** After how many records the tables get new schema objects. */
  readonly renewedEvery: number
  /** Called with each measurement. */
  readonly report: (records: number, bytes: number) => void
}

/** Records in a row that are of one table. */
const burst = 10

/** Writes records of many tables, each with a topic of its own, and reads them back. Returns the reachable bytes after each interval. */
export async function convertMany(
  writer: Converter,
  reader: Converter,
  { schemas, records, every, renewedEvery, report }: ManySchemas,
): Promise<readonly number[]> {
  let tables: readonly Schema[] = []
  const measured: number[] = []
  for (let i = 0; i < records; i += 1) {
    if (i % renewedEvery === 0) tables = Array.from({ length: schemas }, (_, table) => tableSchema(table))
    const table = Math.floor(i / burst) % schemas
    const topic = `t${table}`
    const schema = tables[table] ?? null
    const row = tableRow(i)
    const bytes =
      tryNow(() => writer.fromConnect(topic, schema, row)) ??
      (await whenReady(() => writer.fromConnect(topic, schema, row)))
    const back = tryNow(() => reader.toConnect(topic, bytes)) ?? (await whenReady(() => reader.toConnect(topic, bytes)))
    if (String((back.value as ConnectValue[])[1]) !== 'c') throw new RangeError(`record ${i} came back as another one`)
    if ((i + 1) % every !== 0) continue
    measured.push(reachableBytes())
    report(i + 1, measured.at(-1) ?? 0)
  }
  return measured
}

/** Returns null if the call has to wait: an await for each record would be most of the time. */
function tryNow<T>(call: () => T): T | null {
  try {
    return call()
  } catch {
    return null
  }
}
