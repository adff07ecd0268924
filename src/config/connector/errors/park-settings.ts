import type { ConfigDef, ConfigProblem, RawConfig } from '../../../api/config-def.ts'
import { ConfigError } from '../../../api/errors.ts'
import { atLeast } from '../../../api/validators.ts'
import { parseConfig } from '../../definition/parse-config.ts'
import type { SubmittedConfig } from '../../definition/config-infos.ts'

const parkKey = 'errors.deadletterqueue.park.keys'
const maxKey = 'errors.deadletterqueue.park.keys.max'

/** The keys about records behind one in the dead letter queue. Kafka Connect does not have them, nor does its REST API. */
export const parkConfigDef: ConfigDef = {
  [parkKey]: {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'MEDIUM',
    doc: 'Whether records follow an earlier one of their key into the dead letter queue, so that no record of a key overtakes one that failed. Needs errors.tolerance=all and errors.deadletterqueue.context.headers.enable=true.',
    group: 'Error Handling',
    displayName: 'Park Keys Behind Dead Letters',
    width: 'MEDIUM',
    order: 9,
    internal: true,
  },
  [maxKey]: {
    type: 'INT',
    defaultValue: 100_000,
    importance: 'LOW',
    doc: 'How many keys may be parked at a time. A task fails at the record that would park one more.',
    group: 'Error Handling',
    displayName: 'Maximum Parked Keys',
    width: 'SHORT',
    order: 10,
    internal: true,
    validator: atLeast(1),
  },
}

/** What keys need to be parked. */
const needs: readonly (readonly [key: string, isMet: (value: string) => boolean, text: string, why: string])[] = [
  ['errors.deadletterqueue.topic.name', (value) => value !== '', 'the name of a topic', 'it has the parked records'],
  [
    'errors.deadletterqueue.context.headers.enable',
    (value) => value.toLowerCase() === 'true',
    'true',
    'after a restart, the headers in the topic say which keys are parked',
  ],
  ['errors.tolerance', (value) => value === 'all', 'all', 'otherwise the first dead letter ends the task'],
]

/** Checks the rules across several keys. */
export function parkProblems(kind: 'source' | 'sink', config: SubmittedConfig): readonly ConfigProblem[] {
  if (config[parkKey]?.trim().toLowerCase() !== 'true') return []
  if (kind === 'source') {
    const message = `${parkKey}=true is for sinks. A source has no keys to park: its letters are not records of its topics`
    return [{ key: parkKey, message }]
  }
  return needs.flatMap(([key, isMet, text, why]) =>
    isMet((config[key] ?? '').trim())
      ? []
      : [{ key: parkKey, message: `${parkKey}=true needs ${key}=${text}: ${why}` }],
  )
}

/** Returns how many keys a connector may park; null if it parks none. @throws ConfigError */
export function maxParkedKeysOf(kind: 'source' | 'sink', config: RawConfig): number | null {
  const parsed = parseConfig(parkConfigDef, config)
  if (parsed[parkKey] !== true) return null
  const [problem] = parkProblems(kind, config)
  if (problem !== undefined) throw new ConfigError(problem.message)
  return Number(parsed[maxKey])
}
