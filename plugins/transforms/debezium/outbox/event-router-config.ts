import { type ConfigDef, type ParsedConfig, type Validator } from 'penstock/api'

import { listOf } from '../../record/setting.ts'
import { chosenText, invalid, oneOfTexts, regex, textOrNull } from '../settings.ts'

const updateModes = ['warn', 'error', 'fatal'] as const
const placements = ['header', 'envelope', 'partition'] as const

/** A column that becomes a header, a field of the value, or the partition. */
export interface AdditionalField {
  readonly placement: (typeof placements)[number]
  readonly field: string
  readonly alias: string
}

const placementList: Validator = (key, value) => {
  if (!Array.isArray(value)) return null
  const items = value.map(String)
  const isPlaced = (item: string): boolean => {
    const parts = item.split(':')
    return parts.length === 2 || parts.length === 3
  }
  if (items.length === 0 || !items.every(isPlaced)) {
    return invalid(
      key,
      `A comma-separated list of valid String pairs or trios is expected but got: [${items.join(', ')}]`,
    )
  }
  const other = items.find((item) => placementOf(item) === null)
  return other === undefined ? null : invalid(key, `${other} is placed neither in header, envelope nor partition`)
}

function placementOf(item: string): AdditionalField['placement'] | null {
  const wanted = item.split(':')[1]?.trim().toLowerCase()
  return placements.find((one) => one === wanted) ?? null
}

const tracing =
  'traces are not supported; the context of a trace can be added as a header with table.fields.additional.placement'

/** The settings of Debezium's EventRouter. */
export const eventRouterConfig = {
  'table.field.event.id': {
    type: 'STRING',
    defaultValue: 'id',
    importance: 'LOW',
    doc: 'The column with the id of the event. It becomes the header id.',
    displayName: 'Event ID Field',
    group: 'Table',
    width: 'MEDIUM',
  },
  'table.field.event.key': {
    type: 'STRING',
    defaultValue: 'aggregateid',
    importance: 'LOW',
    doc: 'The column with the key of the record.',
    displayName: 'Event Key Field',
    group: 'Table',
    width: 'MEDIUM',
  },
  'table.field.event.type': {
    type: 'STRING',
    defaultValue: 'type',
    importance: 'LOW',
    doc: 'The column with the type of the event. As in Debezium, it is not used: add it with table.fields.additional.placement.',
    displayName: 'Event Type Field',
    group: 'Table',
    width: 'MEDIUM',
  },
  'table.field.event.payload': {
    type: 'STRING',
    defaultValue: 'payload',
    importance: 'LOW',
    doc: 'The column with the value of the record.',
    displayName: 'Event Payload Field',
    group: 'Table',
    width: 'MEDIUM',
  },
  'table.field.event.timestamp': {
    type: 'STRING',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'The column with the timestamp of the record, of one of the timestamp types of Debezium. Otherwise, and if it is null, the record has the time at which the change was processed (ts_ms).',
    displayName: 'Event Timestamp Field',
    group: 'Table',
    width: 'MEDIUM',
  },
  'table.fields.additional.placement': {
    type: 'LIST',
    defaultValue: null,
    importance: 'HIGH',
    doc: 'Further columns to send, as column:placement or column:placement:alias. The placement is header, envelope (a field of the value beside the payload) or partition. Example: type:header,tenant:envelope:customer,shard:partition.',
    displayName: 'Settings for each additional column in the outbox table',
    group: 'Table',
    width: 'MEDIUM',
    validator: placementList,
  },
  'table.fields.additional.error.on.missing': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'MEDIUM',
    doc: 'Whether a row without a column of table.fields.additional.placement is an error. Otherwise the column is left out.',
    displayName: 'Should the transform error if an additional field is missing in the change data',
    group: 'Table',
    width: 'MEDIUM',
  },
  'table.field.event.schema.version': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The column, an INT32, with the version of the schema of the value. It is used only with an additional field in the envelope.',
    displayName: 'Event Schema Version Field',
    group: 'Table',
    width: 'MEDIUM',
  },
  'table.op.invalid.behavior': {
    type: 'STRING',
    defaultValue: 'warn',
    importance: 'MEDIUM',
    doc: "What an update of the outbox table does: 'warn' and 'error' drop it, with a line of that level in the logs, 'fatal' is an error of the record.",
    displayName: 'Behavior when capturing an unexpected outbox event',
    group: 'Table',
    width: 'MEDIUM',
    validator: oneOfTexts(...updateModes),
    recommended: updateModes,
  },
  'table.expand.json.payload': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'MEDIUM',
    doc: 'Whether a payload that is a text with a JSON object is replaced by a structure with an inferred schema. Other texts are sent unchanged.',
    displayName: 'Expand Payload escaped string as real JSON',
    group: 'Table',
    width: 'MEDIUM',
  },
  'table.json.payload.null.behavior': {
    type: 'STRING',
    defaultValue: 'ignore',
    importance: 'MEDIUM',
    doc: "Members of an expanded payload that are null: 'ignore' leaves them out, 'optional_bytes' keeps them as optional BYTES.",
    displayName: 'Behavior when json payload including null value',
    group: 'Table',
    width: 'MEDIUM',
    validator: oneOfTexts('ignore', 'optional_bytes'),
    recommended: ['ignore', 'optional_bytes'],
  },
  'route.by.field': {
    type: 'STRING',
    defaultValue: 'aggregatetype',
    importance: 'HIGH',
    doc: 'The column whose text names the topic, see route.topic.regex.',
    displayName: 'Field to route events by',
    group: 'Router',
    width: 'MEDIUM',
  },
  'route.topic.regex': {
    type: 'STRING',
    defaultValue: '(?<routedByValue>.*)',
    importance: 'LOW',
    doc: 'The regular expression for the whole text of the column route.by.field. A text that it does not match is the topic itself.',
    displayName: 'The name of the routed topic',
    group: 'Router',
    width: 'MEDIUM',
    validator: regex,
  },
  'route.topic.replacement': {
    type: 'STRING',
    defaultValue: 'outbox.event.${routedByValue}',
    importance: 'HIGH',
    doc: 'The name of the topic, with the groups of route.topic.regex.',
    displayName: 'The name of the routed topic',
    group: 'Router',
    width: 'MEDIUM',
  },
  'route.tombstone.on.empty.payload': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'HIGH',
    doc: 'Whether a payload that is null or blank becomes a tombstone.',
    displayName: 'Empty payloads cause a tombstone message',
    group: 'Router',
    width: 'MEDIUM',
  },
  'field.name.adjustment.mode': {
    type: 'STRING',
    defaultValue: 'none',
    importance: 'LOW',
    doc: 'How the names of the fields of an expanded payload are adjusted.',
    unsupported: 'the fields of an expanded payload keep their names',
  },
  'tracing.span.context.field': {
    type: 'STRING',
    defaultValue: 'tracingspancontext',
    importance: 'HIGH',
    doc: 'The column with the context of a trace.',
    unsupported: tracing,
  },
  'tracing.operation.name': {
    type: 'STRING',
    defaultValue: 'debezium-read',
    importance: 'HIGH',
    doc: 'The name of the operation in a trace.',
    unsupported: tracing,
  },
  'tracing.with.context.field.only': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'HIGH',
    doc: 'Whether only events with a context are traced.',
    unsupported: tracing,
  },
} as const satisfies ConfigDef

/** The parsed settings. */
export interface EventRouterSettings {
  readonly columns: {
    readonly id: string
    readonly key: string
    readonly payload: string
    readonly route: string
    readonly timestamp: string | null
    readonly version: string | null
  }
  readonly additional: readonly AdditionalField[]
  readonly failsOnMissing: boolean
  /** What becomes of an update: an error of the record, or a line of that level in the logs. */
  readonly onUpdate: 'fatal' | 'warn' | 'error'
  readonly expandsJson: boolean
  readonly keepsNull: boolean
  readonly tombstones: boolean
  readonly regex: string
  readonly replacement: string
}

export function eventRouterSettings(config: ParsedConfig): EventRouterSettings {
  return {
    columns: {
      id: String(config['table.field.event.id']),
      key: String(config['table.field.event.key']),
      payload: String(config['table.field.event.payload']),
      route: String(config['route.by.field']),
      timestamp: textOrNull(config['table.field.event.timestamp']),
      version: textOrNull(config['table.field.event.schema.version']),
    },
    additional: listOf(config, 'table.fields.additional.placement').map(additionalField),
    failsOnMissing: config['table.fields.additional.error.on.missing'] !== false,
    onUpdate: chosenText(config['table.op.invalid.behavior'], updateModes),
    expandsJson: config['table.expand.json.payload'] === true,
    keepsNull: chosenText(config['table.json.payload.null.behavior'], ['ignore', 'optional_bytes']) !== 'ignore',
    tombstones: config['route.tombstone.on.empty.payload'] === true,
    regex: String(config['route.topic.regex']),
    replacement: String(config['route.topic.replacement']),
  }
}

function additionalField(item: string): AdditionalField {
  const [field = '', , alias = field] = item.split(':').map((part) => part.trim())
  return { placement: placementOf(item) ?? 'header', field, alias }
}
