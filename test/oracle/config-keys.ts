import { readFileSync, writeFileSync } from 'node:fs'

import { builtInPlugins } from '../../src/plugin/built-in-plugins.ts'

/** The ConfigDef of a class: its keys as REST shows them, and the text of their validators. */
export interface ConfigKeys {
  readonly class: string
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}

const file = new URL('recorded/config-keys.jsonl', import.meta.url)

/** The transforms and predicates that are Kafka's own. */
export const kafkaStages = builtInPlugins.filter(({ className }) =>
  className.startsWith('org.apache.kafka.connect.transforms.'),
)

export function readConfigKeys(): readonly ConfigKeys[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as ConfigKeys)
}

export function writeConfigKeys(all: readonly ConfigKeys[]): void {
  writeFileSync(file, all.map((one) => `${JSON.stringify(one)}\n`).join(''))
}
