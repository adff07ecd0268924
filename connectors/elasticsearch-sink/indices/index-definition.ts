import { ConfigError } from 'penstock/api'
import type { Properties } from './mapping.ts'

/** The parts of an index that a user defines: see `index.definition`. */
export interface IndexDefinition {
  readonly settings?: Readonly<Record<string, unknown>>
  readonly mappings?: DefinedMappings
}

/** Mappings by field take precedence over those of the schema. */
export interface DefinedMappings {
  readonly properties?: Properties
  readonly _meta?: Readonly<Record<string, unknown>>
  readonly [key: string]: unknown
}

/** @throws ConfigError unless the text is a JSON object with `settings` and `mappings`, which are objects too. */
export function parseDefinition(text: string): IndexDefinition {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ConfigError('it is not JSON')
  }
  if (!isRecord(value)) throw new ConfigError('it is not a JSON object')
  for (const [name, part] of Object.entries(value)) {
    if (name !== 'settings' && name !== 'mappings')
      throw new ConfigError(`'${name}' is neither 'settings' nor 'mappings'`)
    if (!isRecord(part)) throw new ConfigError(`'${name}' is not a JSON object`)
  }
  const { mappings } = value
  if (isRecord(mappings) && mappings['properties'] !== undefined && !isRecord(mappings['properties']))
    throw new ConfigError("'mappings.properties' is not a JSON object")
  return value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
