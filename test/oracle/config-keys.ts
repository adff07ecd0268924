import { readFileSync, writeFileSync } from 'node:fs'

import { builtInPlugins } from '../../src/plugin/built-in-plugins.ts'

/** The ConfigDef of a class: its keys as REST shows them, and the text of their validators. */
export interface ConfigKeys {
  readonly class: string
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}

/** Whose classes are recorded: Kafka's, or Debezium's without their documentation. */
export type Owner = 'kafka' | 'debezium'

const fileOf = (owner: Owner): URL =>
  new URL(`recorded/${owner === 'kafka' ? '' : 'debezium/'}config-keys.jsonl`, import.meta.url)

/** The transforms and predicates that are Kafka's own. */
export const kafkaStages = builtInPlugins.filter(({ className }) =>
  className.startsWith('org.apache.kafka.connect.transforms.'),
)

export function readConfigKeys(owner: Owner = 'kafka'): readonly ConfigKeys[] {
  const lines = readFileSync(fileOf(owner), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as ConfigKeys)
}

export function writeConfigKeys(all: readonly ConfigKeys[], owner: Owner = 'kafka'): void {
  writeFileSync(fileOf(owner), all.map((one) => `${JSON.stringify(one)}\n`).join(''))
}
