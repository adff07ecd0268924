import type { RawConfig } from '../../../api/config-def.ts'
import { parseConfig } from '../../definition/parse-config.ts'
import { deadLetterConfigDef } from './error-config-def.ts'

/** Where and how dead letters are written (`errors.deadletterqueue.*`, KIP-298). */
export interface DeadLetterSettings {
  readonly topic: string
  /** Of the topic, if it has to be created. */
  readonly replicationFactor: number
  /** Whether dead letters have headers with the context of the error. */
  readonly contextHeaders: boolean
}

/** Returns the settings of a connector; null if it has no dead letter queue. @throws ConfigError */
export function deadLetterSettingsOf(config: RawConfig): DeadLetterSettings | null {
  const parsed = parseConfig(deadLetterConfigDef, config)
  const topic = String(parsed['errors.deadletterqueue.topic.name']).trim()
  if (topic === '') return null
  return {
    topic,
    replicationFactor: Number(parsed['errors.deadletterqueue.topic.replication.factor']),
    contextHeaders: parsed['errors.deadletterqueue.context.headers.enable'] === true,
  }
}
