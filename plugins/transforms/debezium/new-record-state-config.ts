import {
  ConfigError,
  nonEmptyString,
  oneOfIgnoringCase,
  type ConfigDef,
  type ParsedConfig,
  type RawConfig,
} from 'penstock/api'

/** How a delete event and its tombstone are handled. */
export type DeleteMode = 'drop' | 'tombstone' | 'rewrite' | 'rewrite-with-tombstone' | 'delete-to-tombstone'

const deleteModes = ['drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone'] as const

/** The settings of Debezium's ExtractNewRecordState. */
export const newRecordStateConfig = {
  'delete.tombstone.handling.mode': {
    type: 'STRING',
    defaultValue: 'tombstone',
    importance: 'MEDIUM',
    doc: "How deletes are handled: 'drop' removes the delete event and its tombstone; 'tombstone' (the default) turns the delete event into a record with a null value and drops the tombstone; 'rewrite' returns the row before the delete with the field __deleted and drops the tombstone; 'rewrite-with-tombstone' keeps the tombstone too; 'delete-to-tombstone' makes the delete a tombstone, whose value has no schema.",
    displayName: 'Handle delete records',
    width: 'MEDIUM',
    validator: oneOfIgnoringCase(...deleteModes),
    recommended: deleteModes,
  },
  'drop.tombstones': {
    type: 'BOOLEAN',
    defaultValue: null,
    importance: 'LOW',
    doc: 'Deprecated: use delete.tombstone.handling.mode. Whether tombstones are dropped.',
    displayName: 'Drop tombstones',
    width: 'SHORT',
  },
  'delete.handling.mode': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: "Deprecated: use delete.tombstone.handling.mode. 'drop', 'rewrite' or 'none'.",
    displayName: 'Handle delete records',
    width: 'MEDIUM',
    validator: (key, value) => (value === null ? null : oneOfIgnoringCase('drop', 'rewrite', 'none')(key, value)),
  },
  'add.fields': {
    type: 'LIST',
    defaultValue: [],
    importance: 'LOW',
    doc: "Fields of the change event to add to the row: op, ts_ms, or a field of a structure such as source.lsn or transaction.id. 'op:kind' adds op under the name kind.",
    displayName: 'Adds the specified field(s) to the message if they exist.',
    width: 'LONG',
  },
  'add.fields.prefix': {
    type: 'STRING',
    defaultValue: '__',
    importance: 'LOW',
    doc: 'Prefix of the names of added fields.',
    displayName: 'Field prefix to be added to each field.',
    width: 'SHORT',
  },
  'add.headers': {
    type: 'LIST',
    defaultValue: [],
    importance: 'LOW',
    doc: 'Fields of the change event to add as headers, in the format of add.fields.',
    displayName: 'Adds the specified fields to the header if they exist.',
    width: 'LONG',
  },
  'add.headers.prefix': {
    type: 'STRING',
    defaultValue: '__',
    importance: 'LOW',
    doc: 'Prefix of the names of added headers.',
    displayName: 'Header prefix to be added to each header.',
    width: 'SHORT',
  },
  'route.by.field': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The column whose value becomes the topic of the record. For a deleted row, the value before the delete is used.',
    displayName: 'The column which determines how the events will be routed, the value will replace the topic name.',
    width: 'LONG',
  },
  'drop.fields.header.name': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The header with a list of the names of fields to drop from the row.',
    displayName: 'Specify the name of a header containing a list of field names to be dropped.',
    width: 'LONG',
    validator: nonEmptyString,
  },
  'drop.fields.from.key': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'LOW',
    doc: 'Whether the fields are also dropped from the key.',
    displayName: 'Drop fields from the key',
    width: 'SHORT',
  },
  'drop.fields.keep.schema.compatible': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether only optional fields are dropped, which keeps the schema compatible.',
    displayName: 'Keep the schema compatible',
    width: 'SHORT',
  },
  'replace.null.with.default': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether null is replaced by the default value of the field, if it has one.',
    displayName: 'Replace null values with default values',
    width: 'SHORT',
  },
} as const satisfies ConfigDef

/** A field of the change event, and the name under which it is added. */
export interface AddedField {
  /** The structure that contains it; null for a field of the event itself. */
  readonly parent: string | null
  readonly field: string
  readonly name: string
}

/** The parsed settings. */
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

/** @throws ConfigError if a field reference is malformed. */
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

/** The two deprecated settings apply if one of them is set and their replacement is not. */
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
        `Invalid value ${reference} for configuration key ${key}: the format is field, struct.field or field:name`,
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
