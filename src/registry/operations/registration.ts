import { registryErrors } from '../registry-error.ts'
import { contextOf, contextPrefix, defaultContext } from '../state/qualified-subject.ts'
import { contextRecord, schemaRecord, versionTombstone, type RegistryRecord } from '../state/registry-record.ts'
import { guidOf, type SchemaContent, type SchemaVersion } from '../state/registry-schema.ts'
import type { RegistryState } from '../state/registry-state.ts'
import { incompatibilities } from './compatibility.ts'
import { checkWritable } from './deletion.ts'
import { canonicalSchema, findVersion, type CanonicalSchema } from './lookup.ts'

export interface Registration {
  readonly subject: string
  readonly content: SchemaContent
  /** Given only by an import. */
  readonly id: number | null
  /** Given by an import, or the next one. */
  readonly version: number | null
  readonly normalize: boolean
  /** Without the check of compatibility. */
  readonly force: boolean
}

/** A version that is there already, or the records that add it. */
export interface PlannedRegistration {
  readonly version: SchemaVersion
  readonly records: readonly RegistryRecord[]
}

/**
 * Plans the registration of a schema, with the rules of Confluent's registry.
 * @throws RegistryError 42201, 42205, 40901
 */
export function planRegistration(state: RegistryState, registration: Registration): PlannedRegistration {
  const { subject } = registration
  checkMode(state, registration)
  const isImport = state.modeInScope(subject) === 'IMPORT'
  const content = isImport ? registration.content : withInheritedMetadata(state, registration)
  const { normalize } = state.configInScope(subject)
  const schema = canonicalSchema(state, {
    subject,
    content,
    normalize: !isImport && (registration.normalize || normalize),
  })
  const present = registration.version === null ? findVersion(state, schema, { deleted: false }) : null
  if (present !== null && (registration.id === null || registration.id === present.id))
    return { version: present, records: [] }
  if (!isImport && !registration.force) checkCompatibility(state, schema)
  const version = newVersion(state, registration, schema, isImport)
  return { version, records: recordsOf(state, version) }
}

function checkMode(state: RegistryState, { subject, id }: Registration): void {
  checkWritable(state, subject)
  const mode = state.modeInScope(subject)
  const where = `Subject ${subject} in context ${contextPrefix(contextOf(subject))}`
  if (id !== null && mode !== 'IMPORT') throw registryErrors.notPermitted(`${where} is not in import mode`)
  if (id === null && mode !== 'READWRITE') throw registryErrors.notPermitted(`${where} is not in read-write mode`)
}

/** A schema without metadata gets that of the version before it. */
function withInheritedMetadata(state: RegistryState, { subject, content }: Registration): SchemaContent {
  const latest = state.latest(subject)
  if (content.schema.trim() === '' && latest !== null) {
    const { schema, schemaType, references } = latest
    return { ...content, schema, schemaType, references, metadata: content.metadata ?? latest.metadata }
  }
  return { ...content, metadata: content.metadata ?? latest?.metadata ?? null }
}

function checkCompatibility(state: RegistryState, { subject, parsed }: CanonicalSchema): void {
  const versions = state.versions(subject).filter(({ deleted }) => !deleted)
  const problems = incompatibilities(state, parsed, versions, state.configInScope(subject).level)
  if (problems.length > 0) throw registryErrors.incompatible(subject, problems)
}

function newVersion(
  state: RegistryState,
  { subject, id, version }: Registration,
  { content }: CanonicalSchema,
  isImport: boolean,
): SchemaVersion {
  const next = (state.versions(subject).at(-1)?.version ?? 0) + 1
  if (version !== null && version !== next && !isImport)
    throw registryErrors.invalidSchema('Version is not one more than previous version')
  const guid = guidOf(content)
  const context = state.context(contextOf(subject))
  if (id !== null && (context.guidOf(id) ?? guid) !== guid)
    throw registryErrors.notPermitted(
      `Overwrite new schema with id ${id} in context ${contextPrefix(contextOf(subject))} is not permitted.`,
    )
  const assigned = id ?? context.idOf(guid) ?? context.maxId + 1
  return { ...content, subject, version: version ?? next, id: assigned, deleted: false, guid, timestamp: 0 }
}

/** With the context when it is new, and without earlier deleted versions of the same schema that no schema refers to. */
function recordsOf(state: RegistryState, version: SchemaVersion): readonly RegistryRecord[] {
  const context = contextOf(version.subject)
  const replaced = state
    .versions(version.subject)
    .filter((other) => other.deleted && other.id === version.id && other.version < version.version)
    .filter((other) => state.referrersOf(other).length === 0)
  return [
    ...(context === defaultContext || state.hasContext(context) ? [] : [contextRecord(context)]),
    ...replaced.map(versionTombstone),
    schemaRecord(version),
  ]
}
