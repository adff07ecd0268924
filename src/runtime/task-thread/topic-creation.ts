import type { RawConfig } from '../../api/config-def.ts'
import { ConfigError } from '../../api/errors.ts'
import type { Admin } from '../../client/admin.ts'
import { below } from '../task-settings.ts'

const prefix = 'topic.creation.default.'
const own = new Set(['partitions', 'replication.factor', 'include', 'exclude'])

/** Makes a topic before a source's first record for it, as KIP-158 lets a connector ask. */
export type PrepareTopic = (topic: string) => Promise<void>

/** What `topic.creation.default.*` asks for; null when the connector leaves topics to the broker. @throws ConfigError */
export function topicCreation(config: RawConfig, admin: Pick<Admin, 'createTopic'>): PrepareTopic | null {
  const settings = below(config, prefix)
  if (Object.keys(settings).length === 0) return null
  const partitions = count(settings, 'partitions')
  const replicationFactor = count(settings, 'replication.factor')
  const configs = Object.fromEntries(Object.entries(settings).filter(([key]) => !own.has(key)))
  return async (name) => {
    await admin.createTopic({ name, partitions, replicationFactor, configs })
  }
}

function count(settings: RawConfig, key: string): number {
  const value = Number(settings[key] ?? Number.NaN)
  if (Number.isInteger(value) && (value === -1 || value >= 1)) return value
  throw new ConfigError(`${prefix}${key} has to be 1 or larger, or -1 for the broker's default`)
}
