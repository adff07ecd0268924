import {
  ConfigError,
  DataError,
  fieldOf,
  int64Form,
  isArray,
  Logical,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Field,
  type Logger,
  type ParsedConfig,
  type Schema,
  type StructValue,
  type Transform,
  type TransformContext,
  type TransformPlugin,
} from 'penstock/api'

import { offsetDateTimeText, offsetTimeText, parseOffsetDateTime, parseOffsetTime } from '../../dates/iso-time.ts'
import { zoneNamed, type Zone } from '../../dates/zone-offset.ts'
import { clipped, requireStruct } from '../../record/requirements.ts'
import { debeziumTransform, isEnvelope } from '../envelope.ts'
import { itemsOf, required } from '../settings.ts'
import { columnsFor, zoneRules, type ZoneRules } from './timezone-rules.ts'

const transform = 'TimezoneConverter'

const configDef = {
  'converted.timezone': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The time zone, such as America/Los_Angeles, or an offset, such as +08:00.',
    displayName: 'Converted Timezone',
    width: 'MEDIUM',
    order: 1,
    validator: required,
  },
  'include.list': {
    type: 'LIST',
    defaultValue: null,
    importance: 'HIGH',
    doc: 'Which columns are converted: source:table, source:table:column, topic:name, topic:name:column, or name:column for a table or topic. By default, all columns with times.',
    displayName: 'Include List',
    width: 'MEDIUM',
    order: 1,
  },
  'exclude.list': {
    type: 'LIST',
    defaultValue: null,
    importance: 'HIGH',
    doc: 'Which columns are not converted, in the format of include.list. Only one of the two can be set.',
    displayName: 'Exclude List',
    width: 'MEDIUM',
    order: 1,
  },
} as const satisfies ConfigDef

/** Units per second of the types that are numbers. */
const units: ReadonlyMap<string, bigint> = new Map([
  ['io.debezium.time.MicroTimestamp', 1_000_000n],
  ['io.debezium.time.NanoTimestamp', 1_000_000_000n],
  ['io.debezium.time.Timestamp', 1000n],
  [Logical.timestamp, 1000n],
])
/** Dates and times of day without a zone, which have nothing to convert. */
const untouched = new Set([
  'io.debezium.time.Date',
  'io.debezium.time.MicroTime',
  'io.debezium.time.NanoTime',
  'io.debezium.time.Time',
  Logical.date,
  Logical.time,
])
const texts = new Set(['io.debezium.time.ZonedTimestamp', 'io.debezium.time.ZonedTime'])

interface Settings {
  readonly zone: Zone
  readonly rules: ZoneRules
  /** What the rules say; null if there are none. */
  readonly kind: 'include' | 'exclude' | null
}

/** Returns whether a column of this name is converted. */
type Choice = (column: string) => boolean

/** Returns which columns of before, after and source are converted; null for none. */
type Choices = (part: string) => Choice | null

const all: Choice = () => true

/**
 * Debezium's [timezone converter](https://debezium.io/documentation/reference/stable/transformations/timezone-converter.html): gives
 * times of change events another offset. Timestamps without a time zone are taken for local times of the zone.
 */
class TimezoneConverter implements Transform {
  readonly #settings: Settings
  /** By the columns of a rule. */
  readonly #chosen = new Map<ReadonlySet<string>, Choices>()
  readonly #logger: Logger | null
  /** The schemas whose columns were looked at. */
  readonly #seen = new WeakSet<Schema>()

  constructor(settings: Settings, context: TransformContext | undefined) {
    this.#settings = settings
    this.#logger = context?.logger ?? null
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { value, valueSchema } = record
    if (value === null || valueSchema === null || !isEnvelope(valueSchema)) return record
    const event = requireStruct(valueSchema, value, transform)
    const choices = this.#choices(record.topic, tableOf(valueSchema, event))
    if (choices === null) return record
    const converted = [...event]
    for (const field of valueSchema.fields) {
      const choice = choices(field.name)
      const row = event[field.index] ?? field.schema.defaultValue ?? null
      if (choice === null || field.schema.type !== 'STRUCT' || row === null || !isArray(row)) continue
      if (this.#settings.kind === 'include') this.#tellUntouched(field.schema, choice, record.topic)
      converted[field.index] = convertedRow(field.schema, row, choice, this.#settings.zone)
    }
    return { ...record, value: converted }
  }

  /** Tells once of columns that are listed although their types have nothing to convert. */
  #tellUntouched(schema: Schema, choice: Choice, topic: string): void {
    if (this.#seen.has(schema)) return
    this.#seen.add(schema)
    for (const { name, schema: type } of schema.fields)
      if (choice !== all && untouched.has(type.name ?? '') && choice(name))
        this.#logger?.warn(
          `${transform}: column "${name}" of topic ${topic} is in include.list and is not converted: ${type.name} has no time zone`,
        )
  }

  /** Returns null if none of the record is converted. */
  #choices(topic: string, table: string | null): Choices | null {
    const { kind, rules } = this.#settings
    const columns = kind === null ? null : columnsFor(rules, topic, table)
    if (columns === null) return kind === 'include' ? null : rowsOnly
    if (columns.size === 0) return kind === 'exclude' ? null : rowsOnly
    let choices = this.#chosen.get(columns)
    if (choices === undefined) {
      choices = chosenOf(columns, kind === 'include')
      this.#chosen.set(columns, choices)
    }
    return choices
  }
}

function rowsOnly(part: string): Choice | null {
  return part === 'before' || part === 'after' ? all : null
}

function chosenOf(columns: ReadonlySet<string>, included: boolean): Choices {
  const parts = new Map(['before', 'after', 'source'].map((part) => [part, chosen(part, columns, included)]))
  return (part) => parts.get(part) ?? null
}

/** `before.column` names a column of one row, `source.ts` one of the source. */
function chosen(part: string, columns: ReadonlySet<string>, included: boolean): Choice | null {
  const isQualified = (name: string): boolean => /^(?:before|after|source)\./.test(name)
  const names = new Set(
    [...columns].flatMap((name) => {
      if (name.startsWith(`${part}.`)) return [name.slice(part.length + 1)]
      return part === 'source' || isQualified(name) ? [] : [name]
    }),
  )
  if (part === 'source' && names.size === 0) return null
  return (column) => names.has(column) === included
}

function tableOf(schema: Schema, event: StructValue): string | null {
  const source = fieldOf(schema, 'source')
  const values = source === undefined ? null : (event[source.index] ?? null)
  const table = source?.schema.type === 'STRUCT' ? fieldOf(source.schema, 'table') : undefined
  if (table === undefined || values === null || !isArray(values)) return null
  const name = values[table.index] ?? null
  return typeof name === 'string' ? name : null
}

function convertedRow(schema: Schema, row: StructValue, choice: Choice, zone: Zone): StructValue {
  return schema.fields.map((field) => {
    const value = row[field.index] ?? null
    const type = field.schema.name ?? ''
    if (!(units.has(type) || texts.has(type)) || !choice(field.name)) return value
    const given = value ?? field.schema.defaultValue ?? null
    return given === null ? null : convertedTime(field, given, zone)
  })
}

function convertedTime({ name, schema }: Field, value: ConnectValue, zone: Zone): ConnectValue {
  const unit = units.get(schema.name ?? '')
  if (unit !== undefined && (typeof value === 'number' || typeof value === 'bigint'))
    return shifted(BigInt(value), unit, zone)
  const text = typeof value === 'string' ? convertedText(schema.name ?? '', value, zone) : null
  if (text !== null) return text
  throw new DataError(`${transform}: ${clipped(String(value))} in column "${name}" is no time of type ${schema.name}`)
}

/** The number counts from the epoch of the zone's clock, as Debezium has it. */
function shifted(value: bigint, unit: bigint, zone: Zone): number | bigint {
  const seconds = value >= 0n || value % unit === 0n ? value / unit : value / unit - 1n
  return int64Form(value - BigInt(zone.atLocal(Number(seconds))) * unit)
}

function convertedText(type: string, text: string, zone: Zone): string | null {
  const isTime = type === 'io.debezium.time.ZonedTime'
  const parsed = isTime ? parseOffsetTime(text) : parseOffsetDateTime(text)
  if (parsed === null) return null
  const offset = isTime ? zone.now() : zone.atLocal(parsed.local)
  const moved = { ...parsed, local: parsed.local - parsed.offset + offset, offset }
  return isTime ? offsetTimeText(moved) : offsetDateTimeText(moved)
}

/** @throws ConfigError with Debezium's message. */
function settingsOf(config: ParsedConfig): Settings {
  const [included, excluded] = [itemsOf(config['include.list']), itemsOf(config['exclude.list'])]
  const kind = included.length > 0 ? 'include' : excluded.length > 0 ? 'exclude' : null
  const rules = zoneRules(kind === 'include' ? included : excluded, kind ?? 'exclude')
  const zone = configuredZone(String(config['converted.timezone']))
  if (included.length > 0 && excluded.length > 0) {
    throw new ConfigError('Both include and exclude lists are specified. Please specify only one.', {
      key: 'exclude.list',
    })
  }
  return { zone, rules, kind }
}

function configuredZone(name: string): Zone {
  try {
    return zoneNamed(name)
  } catch (cause) {
    throw new ConfigError(
      'Invalid timezone format. Please specify either a geographic timezone (e.g. America/Los_Angeles) or a UTC offset in the format of +/-hh:mm, (e.g. +08:00).',
      { cause, key: 'converted.timezone' },
    )
  }
}

/** `io.debezium.transforms.TimezoneConverter`. */
export const plugin: TransformPlugin = debeziumTransform(
  transform,
  configDef,
  (config, _raw, context) => new TimezoneConverter(settingsOf(config), context),
)
