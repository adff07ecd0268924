import type { ConfigInfo, SubmittedConfig } from './config-infos.ts'

import { undefinedValue } from './describe-config.ts'

/** What a connector may set for its clients, and the settings that are fixed: a value other than that is refused. */
interface OverridableClient {
  readonly prefix: string
  readonly served: readonly string[]
  readonly fixed: Readonly<Record<string, string>>
}

const producer: OverridableClient = {
  prefix: 'producer.override.',
  served: ['batch.size', 'buffer.memory', 'compression.type', 'linger.ms', 'max.request.size'],
  fixed: { acks: 'all', 'enable.idempotence': 'true' },
}

const consumer: OverridableClient = {
  prefix: 'consumer.override.',
  served: [
    'auto.offset.reset',
    'fetch.max.bytes',
    'fetch.max.wait.ms',
    'fetch.min.bytes',
    'group.id',
    'heartbeat.interval.ms',
    'isolation.level',
    'max.partition.fetch.bytes',
    'max.poll.records',
    'session.timeout.ms',
  ],
  fixed: { 'enable.auto.commit': 'false' },
}

const admin: OverridableClient = { prefix: 'admin.override.', served: [], fixed: {} }

/** The client settings a connector overrides, as validation shows them: no definitions, an error where one is refused. */
export function checkClientOverrides(kind: 'source' | 'sink', config: SubmittedConfig): readonly ConfigInfo[] {
  const clients = kind === 'source' ? [producer, admin] : [producer, consumer, admin]
  return clients.flatMap(({ prefix, served, fixed }) =>
    Object.entries(config)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => {
        const name = key.slice(prefix.length)
        const allowed = served.includes(name) || (value !== null && fixed[name] === value.trim().toLowerCase())
        const known = served.length === 0 ? 'none' : served.join(', ')
        const error = `Configuration "${key}" is not supported: a connector may override ${known}`
        return undefinedValue(key, allowed ? [] : [error], allowed ? value : null)
      }),
  )
}
