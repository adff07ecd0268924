import type { ConnectValue } from '../../api/schema.ts'
import type { SchemaVersion } from '../../registry/state/registry-schema.ts'
import type { RegistryConfig } from '../../registry/state/settings.ts'

type JsonFields = Readonly<Record<string, ConnectValue | undefined>>

/** A version of a subject. @param schema its text in the format that was asked for */
export function versionJson(version: SchemaVersion, schema: string): ConnectValue {
  const { subject, id, guid } = version
  return present({ subject, version: version.version, id, guid, ...contentOf(version, schema) })
}

/** The response to a registration. */
export function registeredJson(version: SchemaVersion, schema: string): ConnectValue {
  return present({ id: version.id, version: version.version, guid: version.guid, ...contentOf(version, schema) })
}

/** The schema of an id. @param named whether the request has named the subject */
export function schemaJson(
  version: SchemaVersion,
  { schema, named, maxId }: { readonly schema: string; readonly named: boolean; readonly maxId?: number },
): ConnectValue {
  const place = named ? { subject: version.subject, version: version.version } : {}
  return present({ ...place, guid: version.guid, ...contentOf(version, schema), maxId })
}

/** As a request sets it: `compatibility`. */
export function changedConfigJson({ level, normalize, others }: RegistryConfig): ConnectValue {
  return present({ ...(others as JsonFields), normalize: normalize ?? undefined, compatibility: level ?? undefined })
}

function contentOf(
  { schemaType, references, metadata, ruleSet, timestamp, deleted }: SchemaVersion,
  schema: string,
): JsonFields {
  return {
    schemaType,
    references: references.length === 0 ? undefined : references.map((reference) => ({ ...reference })),
    metadata: (metadata as ConnectValue) ?? undefined,
    ruleSet: (ruleSet as ConnectValue) ?? undefined,
    schema,
    ts: timestamp,
    deleted,
  }
}

function present(fields: JsonFields): ConnectValue {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as ConnectValue
}
