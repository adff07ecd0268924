import type { CompatibilityLevel, RegistryConfig, RegistryMode } from './settings.ts'
import { guidOf, guidText, type KeptJson, type SchemaReference, type SchemaVersion } from './registry-schema.ts'
import { isLevel, isMode } from './settings.ts'

/**
 * The records of the topic `_schemas`, with the bytes that Confluent's Schema Registry writes: JSON whose keys have one order,
 * without fields that are empty. A null value removes what its key names.
 */
export interface RegistryRecord {
  readonly key: string
  readonly value: string | null
  /**
   * What a record that removes a version expects there: {@link identityOf} it, or empty for no version. It is a header of the record:
   * a registry that is behind must not remove what it does not know.
   */
  readonly removes?: string
}

export type RegistryKey =
  | { readonly keytype: 'SCHEMA'; readonly subject: string; readonly version: number }
  | { readonly keytype: 'CONFIG' | 'MODE'; readonly subject: string | null }
  | { readonly keytype: 'DELETE_SUBJECT'; readonly subject: string }
  /** Null: all subjects. */
  | { readonly keytype: 'CLEAR_SUBJECT'; readonly subject: string | null }
  | { readonly keytype: 'CONTEXT'; readonly context: string }
  | { readonly keytype: 'NOOP' }

/** The record is not one of the registry's, or is damaged. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
}

const tenant = 'default'
const maxInt = 0x7fff_ffff

type Json = Readonly<Record<string, unknown>>

export function keyText(key: RegistryKey): string {
  const { keytype } = key
  if (keytype === 'SCHEMA') return jsonOf({ keytype, subject: key.subject, version: key.version, magic: 1 })
  if (keytype === 'CONTEXT') return jsonOf({ keytype, tenant, context: key.context, magic: 0 })
  if (keytype === 'NOOP') return jsonOf({ keytype, magic: 0 })
  return jsonOf({ keytype, subject: key.subject, magic: 0 })
}

/** Parses a key; null for a type of record that only Confluent's own features use. @throws RecordError */
export function parseKey(text: string): RegistryKey | null {
  const { keytype, magic, subject = null, version, context, tenant: owner } = parsed(text, 'key')
  if (typeof keytype !== 'string') throw new RecordError('the key has no keytype')
  const expectedMagic = keytype === 'SCHEMA' ? 1 : 0
  if (magic !== undefined && magic !== expectedMagic)
    throw new RecordError(`the magic of a ${keytype} key is ${String(magic)}, not ${expectedMagic}`)
  if (subject !== null && typeof subject !== 'string')
    throw new RecordError(`the subject of a ${keytype} key is no text`)
  switch (keytype) {
    case 'SCHEMA':
      return { keytype, subject: given(subject, keytype), version: integer(version, 'version') }
    case 'CONFIG':
    case 'MODE':
    case 'CLEAR_SUBJECT':
      return { keytype, subject }
    case 'DELETE_SUBJECT':
      return { keytype, subject: given(subject, keytype) }
    case 'CONTEXT':
      if (typeof context !== 'string') throw new RecordError('a CONTEXT key has no context')
      return owner === undefined || owner === tenant ? { keytype, context } : null
    case 'NOOP':
      return { keytype }
    default:
      return null
  }
}

export function schemaRecord(version: SchemaVersion): RegistryRecord {
  const { subject, id, schemaType, references, metadata, ruleSet, schema, deleted } = version
  const value = {
    subject,
    version: version.version,
    id,
    schemaType,
    references: references.map((reference) => ({
      name: reference.name,
      subject: reference.subject,
      version: reference.version,
    })),
    metadata,
    ruleSet,
    schema,
    deleted,
  }
  return { key: schemaKeyText(version), value: jsonOf(value) }
}

function schemaKeyText({ subject, version }: Pick<SchemaVersion, 'subject' | 'version'>): string {
  return keyText({ keytype: 'SCHEMA', subject, version })
}

/** Removes the setting or context that the key names. */
export function tombstone(key: Exclude<RegistryKey, { readonly keytype: 'SCHEMA' }>): RegistryRecord {
  return { key: keyText(key), value: null }
}

/** Removes a version that is deleted softly. */
export function versionTombstone(version: SchemaVersion): RegistryRecord {
  return { key: schemaKeyText(version), value: null, removes: identityOf(version) }
}

/** Takes the place of a record that does not count, where there is no version. */
export function noVersion(place: Pick<SchemaVersion, 'subject' | 'version'>): RegistryRecord {
  return { key: schemaKeyText(place), value: null, removes: '' }
}

export function identityOf({ id, guid }: Pick<SchemaVersion, 'id' | 'guid'>): string {
  return `${id}/${guid}`
}

export function deleteSubjectRecord(subject: string, version: number): RegistryRecord {
  return { key: keyText({ keytype: 'DELETE_SUBJECT', subject }), value: jsonOf({ subject, version }) }
}

export function clearSubjectRecord(subject: string | null): RegistryRecord {
  return { key: keyText({ keytype: 'CLEAR_SUBJECT', subject }), value: jsonOf({ subject }) }
}

export function contextRecord(context: string): RegistryRecord {
  return { key: keyText({ keytype: 'CONTEXT', context }), value: jsonOf({ tenant, context }) }
}

export function configRecord(subject: string | null, { normalize, level, others }: RegistryConfig): RegistryRecord {
  const value = jsonOf({ subject, normalize, compatibilityLevel: level, ...others })
  return { key: keyText({ keytype: 'CONFIG', subject }), value }
}

export function modeRecord(subject: string | null, mode: RegistryMode): RegistryRecord {
  return { key: keyText({ keytype: 'MODE', subject }), value: jsonOf({ subject, mode }) }
}

/** @throws RecordError */
export function parseSchemaValue(text: string, timestamp: number): SchemaVersion {
  const json = parsed(text, 'value of a SCHEMA record')
  const { subject, version, id, schemaType = 'AVRO', references, metadata, ruleSet, schema, deleted, md5 } = json
  if (typeof subject !== 'string' || typeof schema !== 'string' || typeof schemaType !== 'string')
    throw new RecordError('a SCHEMA record has no subject, schema or schemaType')
  const content = {
    schemaType,
    schema,
    references: referencesOf(references),
    metadata: metadata ?? null,
    ruleSet: (ruleSet ?? null) as KeptJson | null,
  }
  return {
    ...content,
    subject,
    version: integer(version, 'version'),
    id: integer(id, 'id'),
    deleted: deleted === true,
    guid: typeof md5 === 'string' ? guidText(Buffer.from(md5, 'base64').toString('hex')) : guidOf(content),
    timestamp,
  }
}

function referencesOf(value: unknown): readonly SchemaReference[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new RecordError('the references of a SCHEMA record are no list')
  return value.map((reference: unknown) => {
    const { name, subject, version } = (reference ?? {}) as Json
    if (typeof name !== 'string' || typeof subject !== 'string')
      throw new RecordError('a reference has no name or subject')
    return { name, subject, version: integer(version, 'version') }
  })
}

/** The version up to which the record deletes. @throws RecordError */
export function parseDeleteSubject(text: string): number {
  return integer(parsed(text, 'value of a DELETE_SUBJECT record')['version'], 'version')
}

/** @throws RecordError */
export function parseConfigValue(text: string): RegistryConfig {
  const {
    subject: _,
    compatibilityLevel,
    normalize,
    offset: __,
    ts: ___,
    ...others
  } = parsed(text, 'value of a CONFIG record')
  const level: CompatibilityLevel | null = isLevel(compatibilityLevel) ? compatibilityLevel : null
  return { level, normalize: typeof normalize === 'boolean' ? normalize : null, others }
}

/** @throws RecordError */
export function parseModeValue(text: string): RegistryMode {
  const { mode } = parsed(text, 'value of a MODE record')
  if (!isMode(mode)) throw new RecordError(`the mode ${String(mode)} is not known`)
  return mode
}

function parsed(text: string, what: string): Json {
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json
  } catch (cause) {
    throw new RecordError(`the ${what} is not JSON`, { cause })
  }
  throw new RecordError(`the ${what} is not a JSON object`)
}

function integer(value: unknown, what: string): number {
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= maxInt) return Number(value)
  throw new RecordError(`the ${what} ${String(value)} is not a positive integer`)
}

function given(subject: string | null, keytype: string): string {
  if (subject === null) throw new RecordError(`a ${keytype} key has no subject`)
  return subject
}

/** Without what is empty, as Jackson's NON_EMPTY. */
function jsonOf(object: Json): string {
  const isEmpty = (value: unknown): boolean =>
    value === null ||
    value === undefined ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  return JSON.stringify(Object.fromEntries(Object.entries(object).filter(([, value]) => !isEmpty(value))))
}
