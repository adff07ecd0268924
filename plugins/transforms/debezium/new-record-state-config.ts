import { type ConfigDef, type ParsedConfig, type RawConfig } from 'penstock/api'

import { listOf } from '../record/setting.ts'
import { fieldReferences, type FieldReference } from './added-field.ts'
import { chosenText, oneOfTexts, textOrNull } from './settings.ts'

const deleteModes = ['tombstone', 'drop', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone'] as const

/** How a delete event and its tombstone are handled. */
export type DeleteMode = (typeof deleteModes)[number]

/** The settings of Debezium's ExtractNewRecordState, and two that it had until version 2.5. */
export const newRecordStateConfig = {
  'delete.tombstone.handling.mode': {
    type: 'STRING',
    defaultValue: 'tombstone',
    importance: 'MEDIUM',
    doc: "How deletes are handled: 'drop' removes the delete event and its tombstone; 'tombstone' (the default) turns the delete event into a record with a null value and drops the tombstone; 'rewrite' returns the row before the delete with the field __deleted and drops the tombstone; 'rewrite-with-tombstone' keeps the tombstone too; 'delete-to-tombstone' makes the delete a tombstone, whose value has no schema.",
    displayName: 'Handle delete and tombstone records',
    width: 'MEDIUM',
    order: 1,
    validator: oneOfTexts('drop', 'tombstone', 'rewrite', 'rewrite-with-tombstone', 'delete-to-tombstone'),
    recommended: deleteModes,
  },
  'drop.tombstones': {
    type: 'BOOLEAN',
    defaultValue: null,
    importance: 'LOW',
    doc: 'Deprecated: use delete.tombstone.handling.mode. Whether tombstones are dropped.',
    displayName: 'Drop tombstones',
    width: 'SHORT',
    order: 1,
  },
  'delete.handling.mode': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: "Deprecated: use delete.tombstone.handling.mode. 'drop', 'rewrite' or 'none'.",
    displayName: 'Handle delete records',
    width: 'MEDIUM',
    order: 1,
    validator: oneOfTexts('drop', 'rewrite', 'none'),
  },
  'route.by.field': {
    type: 'STRING',
    defaultValue: '',
    importance: 'LOW',
    doc: 'The column whose text becomes the topic of the record. For a deleted row, the value before the delete is used. Without a text, the record keeps its topic.',
    displayName: 'Route by field name',
    width: 'LONG',
    order: 1,
  },
  'add.fields.prefix': {
    type: 'STRING',
    defaultValue: '__',
    importance: 'LOW',
    doc: 'Prefix of the names of added fields.',
    displayName: 'Field prefix to be added to each field.',
    width: 'SHORT',
    order: 1,
  },
  'add.fields': {
    type: 'LIST',
    defaultValue: [],
    importance: 'LOW',
    doc: "Fields of the change event to add to the row: op, ts_ms, or a field of a structure such as source.lsn or transaction.id. 'op:kind' adds op under the name kind. A field that the event does not have is left out.",
    displayName: 'Adds the specified field(s) to the message if they exist.',
    width: 'LONG',
    order: 1,
  },
  'add.headers.prefix': {
    type: 'STRING',
    defaultValue: '__',
    importance: 'LOW',
    doc: 'Prefix of the names of added headers.',
    displayName: 'Header prefix to be added to each header.',
    width: 'SHORT',
    order: 1,
  },
  'add.headers': {
    type: 'LIST',
    defaultValue: [],
    importance: 'LOW',
    doc: 'Fields of the change event to add as headers, in the format of add.fields.',
    displayName: 'Adds the specified fields to the header if they exist.',
    width: 'LONG',
    order: 1,
  },
  'drop.fields.header.name': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The header with a list of the names of fields to drop from the row.',
    displayName: 'Specifies a header that contains a list of field names to be removed',
    width: 'SHORT',
    order: 1,
  },
  'drop.fields.from.key': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'LOW',
    doc: 'Whether the fields are also dropped from the key.',
    displayName: 'Specifies whether the fields to be dropped should also be omitted from the key',
    width: 'SHORT',
    order: 1,
  },
  'drop.fields.keep.schema.compatible': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether only optional fields are dropped, which keeps the schema compatible.',
    displayName: "Specifies if fields are dropped, will the event's schemas be compatible",
    width: 'SHORT',
    order: 1,
  },
  'replace.null.with.default': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether the rewrite modes replace null by the default value of the column, if it has one. Other modes do not change values, except that null is replaced where fields are dropped.',
    displayName: 'replace null field value with default',
    width: 'SHORT',
    order: 1,
  },
} as const satisfies ConfigDef

/** The parsed settings. */
export interface NewRecordStateSettings {
  readonly deleteMode: DeleteMode
  readonly addFields: readonly FieldReference[]
  readonly addHeaders: readonly FieldReference[]
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
    addFields: referencesOf(config, 'add.fields'),
    addHeaders: referencesOf(config, 'add.headers'),
    routeByField: config['route.by.field'] === '' ? null : String(config['route.by.field']),
    dropFieldsHeader: textOrNull(config['drop.fields.header.name']),
    dropFieldsFromKey: config['drop.fields.from.key'] === true,
    keepSchemaCompatible: config['drop.fields.keep.schema.compatible'] !== false,
    replaceNullWithDefault: config['replace.null.with.default'] !== false,
  }
}

function referencesOf(config: ParsedConfig, key: 'add.fields' | 'add.headers'): FieldReference[] {
  return fieldReferences(listOf(config, key), String(config[`${key}.prefix`] ?? ''), key)
}

/** The two deprecated settings apply if one of them is set and their replacement is not. */
function deleteModeOf(config: ParsedConfig, raw: RawConfig): DeleteMode {
  const older = config['drop.tombstones'] ?? config['delete.handling.mode'] ?? null
  if (older === null || raw['delete.tombstone.handling.mode'] !== undefined) {
    return chosenText(config['delete.tombstone.handling.mode'], deleteModes)
  }
  const dropTombstones = config['drop.tombstones'] !== false
  const mode = chosenText(config['delete.handling.mode'], ['drop', 'rewrite', 'none'])
  if (mode === 'rewrite') return dropTombstones ? 'rewrite' : 'rewrite-with-tombstone'
  return mode === 'drop' && dropTombstones ? 'drop' : 'tombstone'
}
