import type { KeptJson } from './registry-schema.ts'

/** How a new version has to get along with earlier ones. BACKWARD: it reads their data; FORWARD: they read its data. */
export const compatibilityLevels = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const
export type CompatibilityLevel = (typeof compatibilityLevels)[number]

/** Whether subjects may change. IMPORT: schemas come with their ids and versions, and are not checked. */
export const registryModes = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT'] as const
export type RegistryMode = (typeof registryModes)[number]

export const defaultLevel: CompatibilityLevel = 'BACKWARD'
export const defaultMode: RegistryMode = 'READWRITE'

/** The config of a subject, a context, or of all (`CONFIG` without a subject). Null: not set there. */
export interface RegistryConfig {
  readonly level: CompatibilityLevel | null
  /** Whether schemas are normalized although a request does not ask for it. */
  readonly normalize: boolean | null
  /** What a record of the topic has besides; kept when the config is changed. */
  readonly others: KeptJson
}

export function isLevel(value: unknown): value is CompatibilityLevel {
  return compatibilityLevels.some((level) => level === value)
}

export function isMode(value: unknown): value is RegistryMode {
  return registryModes.some((mode) => mode === value)
}
