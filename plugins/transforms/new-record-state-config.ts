import {
  ConfigError,
  nonEmptyString,
  oneOfIgnoringCase,
  type ConfigDef,
  type ParsedConfig,
  type RawConfig,
} from 'penstock/api'

/** What becomes of a delete event and of the tombstone that follows it. */
export type DeleteMode = 'drop' | 'tombstone' | 'rewrite' | 'rewrite-with-tombstone' | 'delete-to-tombstone'

const deleteModes = ['drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone'] as const

/** The settings of Debezium's ExtractNewRecordState. */
export const newRecordStateConfig = {
  'delete.tombstone.handling.mode': {
    type: 'STRING',
    defaultValue: 'tombstone',
    importance: 'MEDIUM',
    doc: "What becomes of deletes: 'drop' removes the delete event and its tombstone; 'tombstone' (the default) makes the delete a record with a null value and drops the tombstone; 'rewrite' gives the row before the delete with the field __deleted and drops the tombstone; 'rewrite-with-tombstone' keeps the tombstone too; 'delete-to-tombstone' makes the delete a tombstone, whose value has no schema.",
    displayName: 'Handle delete records',
    width: 'MEDIUM',
    validator: oneOfIgnoringCase(...deleteModes),
    recommended: deleteModes,
  },
  'drop.tombstones': {
    type: 'BOOLEAN',
    defaultValue: null,
    importance: 'LOW',
    doc: 'Deprecated, use delete.tombstone.handling.mode. Whether tombstones of deletes are dropped.',
    displayName: 'Drop tombstones',
    width: 'SHORT',
  },
  'delete.handling.mode': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: "Deprecated, use delete.tombstone.handling.mode. 'drop', 'rewrite' or 'none'.",
    displayName: 'Handle delete records',
    width: 'MEDIUM',
    validator: (key, value) => (value === null ? null : oneOfIgnoringCase('drop', 'rewrite', 'none')(key, value)),
  },
  'add.fields': {
    type: 'LIST',
    defaultValue: [],
    importance: 'LOW',
    doc: "Fields of the change event that are added to the row: op, ts_ms, or with the structure they stand in, such as source.lsn or transaction.id. 'op:kind' names the added field kind instead of op.",
    displayName: 'Adds the specified field(s) to the message if they exist.',
    width: 'LONG',
  },
  'add.fields.prefix': {
    type: 'STRING',
    defaultValue: '__',
    importance: 'LOW',
    doc: 'What the names of added fields begin with.',
    displayName: 'Field prefix to be added to each field.',
    width: 'SHORT',
  },
  'add.headers': {
    type: 'LIST',
    defaultValue: [],
    importance: 'LOW',
    doc: 'Fields of the change event that are added as headers, written as in add.fields.',
    displayName: 'Adds the specified fields to the header if they exist.',
    width: 'LONG',
  },
  'add.headers.prefix': {
    type: 'STRING',
    defaultValue: '__',
    importance: 'LOW',
    doc: 'What the names of added headers begin with.',
    displayName: 'Header prefix to be added to each header.',
    width: 'SHORT',
  },
  'route.by.field': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The column whose value is the topic of the record. Of a deleted row the value before the delete counts.',
    displayName: 'The column which determines how the events will be routed, the value will replace the topic name.',
    width: 'LONG',
  },
  'drop.fields.header.name': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The header that holds a list of the names of fields to drop from the row.',
    displayName: 'Specify the name of a header containing a list of field names to be dropped.',
    width: 'LONG',
    validator: nonEmptyString,
  },
  'drop.fields.from.key': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'LOW',
    doc: 'Whether the fields are dropped from the key too.',
    displayName: 'Drop fields from the key',
    width: 'SHORT',
  },
  'drop.fields.keep.schema.compatible': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether only optional fields are dropped, so that the schema stays compatible.',
    displayName: 'Keep the schema compatible',
    width: 'SHORT',
  },
  'replace.null.with.default': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether a null is replaced by the default of its field where there is one.',
    displayName: 'Replace null values with default values',
    width: 'SHORT',
  },
} as const satisfies ConfigDef

/** A field of the change event, and the name it is added by. */
export interface AddedField {
  /** The structure it stands in; null for a field of the event itself. */
  readonly parent: string | null
  readonly field: string
  readonly name: string
}

/** The settings, made ready for use. */
export interface NewRecordStateSettings {
  readonly deleteMode: DeleteMode
  readonly addFields: readonly AddedField[]
  readonly addHeaders: readonly AddedField[]
  readonly routeByField: string | null
  readonly dropFieldsHeader: string | null
  readonly dropFieldsFromKey: boolean
  readonly keepSchemaCompatible: boolean
  readonly replaceNullWithDefault: boolean
}

/** @throws ConfigError when a field reference cannot be understood. */
export function newRecordStateSettings(config: ParsedConfig, raw: RawConfig): NewRecordStateSettings {
  return {
    deleteMode: deleteModeOf(config, raw),
    addFields: addedFields(config, 'add.fields'),
    addHeaders: addedFields(config, 'add.headers'),
    routeByField: textOrNull(config['route.by.field']),
    dropFieldsHeader: textOrNull(config['drop.fields.header.name']),
    dropFieldsFromKey: config['drop.fields.from.key'] === true,
    keepSchemaCompatible: config['drop.fields.keep.schema.compatible'] !== false,
    replaceNullWithDefault: config['replace.null.with.default'] !== false,
  }
}

/** The two older settings decide when one of them is given and the one that replaced them is not. */
function deleteModeOf(config: ParsedConfig, raw: RawConfig): DeleteMode {
  const older = config['drop.tombstones'] ?? config['delete.handling.mode'] ?? null
  if (older === null || raw['delete.tombstone.handling.mode'] !== undefined) {
    const mode = String(config['delete.tombstone.handling.mode']).toLowerCase()
    return deleteModes.find((known) => known === mode) ?? 'tombstone'
  }
  const dropTombstones = config['drop.tombstones'] !== false
  const mode = String(config['delete.handling.mode'] ?? 'drop').toLowerCase()
  if (mode === 'rewrite') return dropTombstones ? 'rewrite' : 'rewrite-with-tombstone'
  return mode === 'drop' && dropTombstones ? 'drop' : 'tombstone'
}

const parents: Readonly<Record<string, string | null>> = {
  op: null,
  ts_ms: null,
  ts_us: null,
  ts_ns: null,
  id: 'transaction',
  total_order: 'transaction',
  data_collection_order: 'transaction',
}

function addedFields(config: ParsedConfig, key: 'add.fields' | 'add.headers'): readonly AddedField[] {
  const list = config[key]
  const prefix = String(config[`${key}.prefix`] ?? '')
  return (Array.isArray(list) ? list : []).map((reference: string) => {
    const [path = '', alias, ...rest] = reference.trim().split(':')
    const parts = path.split('.')
    const [first = '', second] = parts
    if (rest.length > 0 || parts.length > 2 || parts.includes('') || alias === '') {
      throw new ConfigError(
        `Invalid value ${reference} for configuration key ${key}: a field is written as field, struct.field or field:name`,
      )
    }
    const name = prefix + (alias ?? parts.join('_'))
    if (second !== undefined) return { parent: first, field: second, name }
    const parent = Object.hasOwn(parents, first) ? (parents[first] ?? null) : 'source'
    return { parent, field: first, name }
  })
}

function textOrNull(value: ParsedConfig[string] | undefined): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null
}
