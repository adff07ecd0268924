import { parseSchema, parseVersion } from '../schemas/parse-schema.ts'
import type { ParsedSchema } from '../schemas/parsed-schema.ts'
import { contextOf, defaultContext, parseSubject } from '../state/qualified-subject.ts'
import {
  guidOf,
  sameMetadata,
  type SchemaContent,
  type SchemaMetadata,
  type SchemaVersion,
} from '../state/registry-schema.ts'
import type { RegistryState } from '../state/registry-state.ts'

/** A schema that a request asks for under a subject. */
export interface RequestedSchema {
  readonly subject: string
  readonly content: SchemaContent
  readonly normalize: boolean
}

/** A schema as it would be stored, and parsed. */
export interface CanonicalSchema {
  readonly subject: string
  readonly parsed: ParsedSchema
  readonly content: SchemaContent
}

/** @throws RegistryError 42201 */
export function canonicalSchema(
  state: RegistryState,
  { subject, content, normalize }: RequestedSchema,
): CanonicalSchema {
  const plain = parseSchema(state, { ...content, subject })
  const parsed = normalize ? plain.normalized() : plain
  return { subject, parsed, content: { ...content, schema: parsed.text, references: parsed.references } }
}

/** The version of the schema's subject that has this schema; null when none has. */
export function findVersion(
  state: RegistryState,
  schema: CanonicalSchema,
  { deleted }: { readonly deleted: boolean },
): SchemaVersion | null {
  const { subject, content } = schema
  const versions = state.versions(subject).filter((version) => deleted || !version.deleted)
  const guid = guidOf(content)
  const id = state.context(contextOf(subject)).idOf(guid)
  const same = id === null ? undefined : versions.findLast((version) => version.id === id)
  return same ?? versions.findLast((version) => isEquivalent(state, schema, version)) ?? null
}

/** Whether the texts differ only in what has no meaning, or in that references are resolved in one of them. */
function isEquivalent(state: RegistryState, { parsed, content }: CanonicalSchema, version: SchemaVersion): boolean {
  if (version.schemaType !== parsed.schemaType || !sameMetadata(content.metadata, version.metadata)) return false
  const isResolved = parsed.references.length === 0 && version.references.length > 0
  if (!isResolved && JSON.stringify(parsed.references) !== JSON.stringify(version.references)) return false
  return parseVersion(state, version).identity === parsed.identity
}

/**
 * The version that a request looks for: in its subject, then in the subjects of that name in other contexts. A schema without
 * metadata is looked for with that of the latest version, too, which it would get when it was registered.
 */
export function lookUp(
  state: RegistryState,
  request: RequestedSchema,
  options: { readonly deleted: boolean },
): SchemaVersion | null {
  for (const subject of state.inContexts(request.subject)) {
    const found = findVersion(state, canonicalSchema(state, { ...request, subject }), options)
    if (found !== null) return found
    const latest = state.latest(subject)
    if (request.content.metadata !== null || (latest?.metadata ?? null) === null) continue
    const content = { ...request.content, metadata: latest?.metadata ?? null }
    const withMetadata = findVersion(state, canonicalSchema(state, { ...request, subject, content }), options)
    if (withMetadata !== null) return withMetadata
  }
  return null
}

/** The versions that have an id: those of the subject, or of its context, or of whichever context has the subject with the id. */
export function versionsOfId(state: RegistryState, id: number, subject: string | null): readonly SchemaVersion[] {
  if (subject === null) return state.context(defaultContext).versionsOf(id)
  const parsed = parseSubject(subject)
  const own = state.context(parsed.context).versionsOf(id)
  if (parsed.subject === '' || parsed.context !== defaultContext)
    return parsed.subject === '' ? own : startingWith(own, subject)
  for (const name of state.inContexts(subject)) {
    const versions = state.context(contextOf(name)).versionsOf(id)
    if (versions.some((version) => version.subject === name)) return startingWith(versions, name)
  }
  return own
}

/** The versions of a subject first: a response is made of the first one. None when the subject has none. */
function startingWith(versions: readonly SchemaVersion[], subject: string): readonly SchemaVersion[] {
  const own = versions.filter((version) => version.subject === subject)
  return own.length === 0 ? [] : [...own, ...versions.filter((version) => version.subject !== subject)]
}

/** The last version whose metadata has these properties; null when none has. */
export function latestWithMetadata(
  state: RegistryState,
  subject: string,
  {
    properties,
    deleted,
  }: { readonly properties: NonNullable<SchemaMetadata['properties']>; readonly deleted: boolean },
): SchemaVersion | null {
  const found = state
    .versions(subject)
    .findLast(
      (version) =>
        (deleted || !version.deleted) &&
        version.metadata?.properties !== undefined &&
        Object.entries(properties).every(([key, value]) => version.metadata?.properties?.[key] === value),
    )
  return found ?? null
}
