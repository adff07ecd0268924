import { parseVersion } from '../schemas/parse-schema.ts'
import type { ParsedSchema } from '../schemas/parsed-schema.ts'
import type { SchemaVersion } from '../state/registry-schema.ts'
import type { RegistryState } from '../state/registry-state.ts'
import type { CompatibilityLevel } from '../state/settings.ts'

const shownSchemaLength = 10 * 1024

/**
 * Returns why a schema may not follow these versions; empty when it may. As in Confluent's registry, the check ends with the
 * first version that it is incompatible with, the latest first.
 * @param versions in ascending order, without deleted ones
 */
export function incompatibilities(
  state: RegistryState,
  schema: ParsedSchema,
  versions: readonly SchemaVersion[],
  level: CompatibilityLevel,
): readonly string[] {
  if (level === 'NONE') return []
  const compared = level.endsWith('_TRANSITIVE') ? versions.toReversed() : versions.slice(-1)
  for (const version of compared) {
    const problems = problemsWith(state, schema, version, level)
    if (problems.length > 0) return [...problems, `{validateFields: 'false', compatibility: '${level}'}`]
  }
  return []
}

function problemsWith(
  state: RegistryState,
  schema: ParsedSchema,
  version: SchemaVersion,
  level: CompatibilityLevel,
): readonly string[] {
  if (version.schemaType !== schema.schemaType) return ['Incompatible because of different schema type']
  const previous = parseVersion(state, version)
  const forward = level.startsWith('BACKWARD') ? [] : previous.readingProblems(schema, { reader: 'old', writer: 'new' })
  const backward = level.startsWith('FORWARD') ? [] : schema.readingProblems(previous, { reader: 'new', writer: 'old' })
  const problems = [...forward, ...backward]
  if (problems.length === 0) return []
  const text = previous.text
  const shown = text.length <= shownSchemaLength ? `'${text}'` : `<truncated> '${text.slice(0, shownSchemaLength)}...'`
  return [...problems, `{oldSchemaVersion: ${version.version}}`, `{oldSchema: ${shown}}`]
}
