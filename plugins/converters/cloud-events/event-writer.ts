import { DataError, primitive, struct, type ConnectValue, type Converter, type Schema } from 'penstock/api'

import type { CloudEventsOptions } from './cloud-events-options.ts'
import { valueIn, type EventMetadata, type EventRecord, type StructWithSchema } from './event-metadata.ts'
import { eventSchema, eventValues, partOf } from './event-shape.ts'

/** The converters that write the parts of events. */
export interface EventConverters {
  /** Of events in JSON. */
  readonly events: Converter
  /** Of data in JSON. */
  readonly data: Converter
  /** Of data and events in Avro; null if there are none. */
  readonly avro: Converter | null
}

/** The schemas of the events of one kind of record. */
interface Shape {
  readonly source: Schema
  readonly data: Schema
  readonly event: Schema
}

/** Events of Avro have two schemas, so their data has a subject of its own. */
export const dataSuffix = '-data'
const shapesPerSchema = 16
const noFields = struct([])
const bytes = primitive('BYTES')
const emptyData = '{}}'

/** Writes change events of Debezium as CloudEvents, with the attributes of Debezium's converter for Postgres. */
export class EventWriter {
  readonly #options: CloudEventsOptions
  readonly #metadata: EventMetadata
  readonly #converters: EventConverters
  readonly #shapes = new WeakMap<Schema, Map<string, Shape>>()

  constructor(options: CloudEventsOptions, metadata: EventMetadata, converters: EventConverters) {
    this.#options = options
    this.#metadata = metadata
    this.#converters = converters
  }

  /** @throws DataError if an attribute is missing, or the record is not of a connector for Postgres; NotReadyError */
  write(topic: string, record: EventRecord): Buffer | null {
    const { events, data: dataType, dataSchemas } = this.#options
    const source = this.#metadata.source(record)
    const connector = textIn(source, 'connector')
    if (connector !== 'postgresql')
      throw new DataError(`No usable CloudEvents converters for connector type "${connector}"`)
    const shape = this.#shapeOf(record, source, connector)
    const data = shape.data.fields.map(({ name }) => valueIn(record, name))
    if (dataType === 'avro') {
      const { bytes: encoded, id } = this.#avroData(
        events === 'avro' ? `${topic}${dataSuffix}` : topic,
        shape.data,
        data,
      )
      const uri = `${this.#options.registryUrl}/schemas/ids/${id}`
      const values = this.#valuesOf(record, source, { uri, data: encoded })
      const converter = events === 'avro' ? this.#avro : this.#converters.events
      return converter.fromConnect(topic, shape.event, values)
    }
    const values = this.#valuesOf(record, source, { uri: null, data: dataSchemas ? [] : data })
    const event = this.#converters.events.fromConnect(topic, shape.event, values)
    if (!dataSchemas || event === null) return event
    // Events themselves have no schema, their data has one: it is put in place of the empty object.
    const written = this.#converters.data.fromConnect(topic, shape.data, data) ?? Buffer.from('null')
    return Buffer.concat([event.subarray(0, event.length - emptyData.length), written, Buffer.from('}')])
  }

  get #avro(): Converter {
    const { avro } = this.#converters
    if (avro === null) throw new TypeError('the converter of Avro is missing')
    return avro
  }

  /** Copied, since the converter overwrites its bytes. */
  #avroData(topic: string, schema: Schema, data: ConnectValue): { readonly bytes: Buffer; readonly id: number } {
    const encoded = this.#avro.fromConnect(topic, schema, data)
    if (encoded === null || encoded.length < 5) throw new DataError('the data of the event has no schema id')
    return { bytes: Buffer.from(encoded), id: encoded.readInt32BE(1) }
  }

  #valuesOf(
    record: EventRecord,
    source: StructWithSchema,
    { uri, data }: { readonly uri: string | null; readonly data: ConnectValue },
  ): ConnectValue[] {
    const { data: dataType, tracing, extensions, metadata } = this.#options
    const name = textIn(source, 'name')
    const connector = textIn(source, 'connector')
    const attributes: ConnectValue[] = [
      metadata.id === 'generate' ? postgresId(source) : this.#metadata.attribute(record, 'id'),
      `/debezium/${connector}/${name}`,
      '1.0',
      metadata.type === 'generate'
        ? `io.debezium.connector.${connector}.DataChangeEvent`
        : this.#metadata.attribute(record, 'type'),
      timeOf(source),
      `application/${dataType}`,
    ]
    if (uri !== null) attributes.push(uri)
    if (tracing) attributes.push(this.#metadata.traceparent(record))
    const head = {
      attributes,
      operation: () => this.#metadata.operation(record),
      transaction: () => this.#metadata.transaction(record),
    }
    return eventValues(head, source, data, extensions)
  }

  /** Built once for each schema of records and each name, so that converters compile it once. */
  #shapeOf(record: EventRecord, source: StructWithSchema, connector: string): Shape {
    const { schemaName, adjustName } = this.#options
    const name = schemaName ?? `${textIn(source, 'name')}.${textIn(source, 'db')}.CloudEvents.Envelope`
    const dataName = this.#metadata.dataSchemaName(record, connector)
    const key = JSON.stringify([name, dataName])
    const shapes = this.#shapes.get(record.schema) ?? new Map<string, Shape>()
    const known = shapes.get(key)
    if (known?.source === source.schema) return known
    const shape = this.#build(record.schema, source.schema, { name: adjustName(name), dataName })
    for (const oldest of shapes.keys()) {
      if (shapes.size < shapesPerSchema) break
      shapes.delete(oldest)
    }
    shapes.set(key, shape)
    this.#shapes.set(record.schema, shapes)
    return shape
  }

  #build(
    schema: Schema,
    source: Schema,
    { name, dataName }: { readonly name: string; readonly dataName: string | null },
  ): Shape {
    const { data: dataType, dataSchemas, tracing, extensions, metadata } = this.#options
    const data = partOf(schema, metadata.global === 'value' ? ['before', 'after'] : null, dataName)
    const inJson = dataSchemas ? noFields : data
    const event = eventSchema({
      name,
      source,
      data: dataType === 'avro' ? bytes : inJson,
      hasDataSchema: dataType === 'avro',
      tracing,
      extensions,
    })
    return { source, data, event }
  }
}

function postgresId(source: StructWithSchema): string {
  const [name, lsn, txId, sequence] = ['name', 'lsn', 'txId', 'sequence'].map((field) => textIn(source, field))
  return `name:${name};lsn:${lsn};txId:${txId};sequence:${sequence}`
}

/** Null is `null`, as in Java. */
function textIn(source: StructWithSchema, name: string): string {
  return String(valueIn(source, name))
}

/** RFC 3339 in UTC, with milliseconds. */
function timeOf(source: StructWithSchema): string {
  const time = valueIn(source, 'ts_ms')
  const date = new Date(time === null ? Number.NaN : Number(time))
  if (Number.isNaN(date.getTime())) throw new DataError(`ts_ms of the source is no time: ${textIn(source, 'ts_ms')}`)
  return date.toISOString()
}
