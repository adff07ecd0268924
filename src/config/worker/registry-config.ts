import type { ConfigDef, ParsedConfig } from '../../api/config-def.ts'

import { nonEmptyString, nullOr } from '../../api/validators.ts'
import { number, text } from './parsed-values.ts'

/** The topic of the schema registry; -1 is the broker's default. */
export interface RegistryConfig {
  readonly topic: string
  readonly replicationFactor: number
}

const enableKey = 'schema.registry.enable'
const topicKey = 'schema.registry.topic'
const factorKey = 'schema.registry.replication.factor'

export const registryConfigDef: ConfigDef = {
  [enableKey]: {
    type: 'BOOLEAN',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: "Whether the REST API serves a schema registry with the API of Confluent's below `/schema-registry`. By default it does if the worker has the embedded broker.",
  },
  [topicKey]: {
    type: 'STRING',
    defaultValue: '_schemas',
    importance: 'MEDIUM',
    doc: "Topic of the schema registry, as Confluent's registry writes it. One partition, compacted. Several workers may share it.",
    validator: nonEmptyString,
  },
  [factorKey]: {
    type: 'SHORT',
    defaultValue: -1,
    importance: 'MEDIUM',
    doc: 'Replication factor with which that topic is created; -1 is the default of the broker.',
    validator: nullOr((_key, value) =>
      typeof value === 'number' && (value === -1 || value >= 1) ? null : 'Replication factor must be positive, or -1',
    ),
  },
}

/** Null: there is no registry. */
export function registryConfig(parsed: ParsedConfig, hasEmbeddedBroker: boolean): RegistryConfig | null {
  const isEnabled = parsed[enableKey] ?? hasEmbeddedBroker
  return isEnabled === true ? { topic: text(parsed, topicKey), replicationFactor: number(parsed, factorKey) } : null
}
