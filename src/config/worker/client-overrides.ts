import type { ConfigDef, ConfigKey, ConfigType, RawConfig, Validator } from '../../api/config-def.ts'
import type { ConfigInfo, SubmittedConfig } from '../definition/config-infos.ts'

import { atLeast, oneOf } from '../../api/validators.ts'
import { describeValues, undefinedValue } from '../definition/describe-config.ts'
import { checkConfig } from '../definition/parse-config.ts'

function key(type: ConfigType, doc: string, validator: Validator): ConfigKey {
  return { type, defaultValue: null, importance: 'MEDIUM', doc, validator }
}

const size = atLeast(0)

/** What a source task's producer can be told. */
const producer: ConfigDef = {
  'batch.size': key('INT', 'Bytes of one record batch, before compression.', size),
  'buffer.memory': key('LONG', 'Bytes of records that wait for the brokers.', size),
  'compression.type': key('STRING', 'Compression of record batches.', oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd')),
  'linger.ms': key('LONG', 'How long a batch waits for more records.', size),
  'max.request.size': key('INT', 'Bytes of the largest record.', size),
  acks: key('STRING', 'All replicas acknowledge.', oneOf('all', '-1')),
  'enable.idempotence': key('BOOLEAN', 'Batches are never stored twice.', (_key, value) =>
    value === true ? null : 'Not supported: the producer is always idempotent',
  ),
}

/** What a sink task's consumer can be told. */
const consumer: ConfigDef = {
  'auto.offset.reset': key('STRING', 'Where to begin without offset.', oneOf('earliest', 'latest', 'none')),
  'fetch.max.bytes': key('INT', 'Bytes of one fetch.', size),
  'fetch.max.wait.ms': key('INT', 'How long a broker waits for records.', size),
  'fetch.min.bytes': key('INT', 'Bytes a broker waits for.', size),
  'group.id': key('STRING', 'The consumer group.', (_key, value) => (value === '' ? 'String must be non-empty' : null)),
  'heartbeat.interval.ms': key('INT', 'How often the group hears of the task.', size),
  'isolation.level': key('STRING', 'Whether aborted records are seen.', oneOf('read_committed', 'read_uncommitted')),
  'max.partition.fetch.bytes': key('INT', 'Bytes of one partition in a fetch.', size),
  'max.poll.interval.ms': key('INT', 'How long a put may take.', size),
  'max.poll.records': key('INT', 'Records of one put.', atLeast(1)),
  'metadata.max.age.ms': key('LONG', 'How soon new topics are seen.', size),
  'session.timeout.ms': key('INT', 'Silence after which a task counts as gone.', size),
  'enable.auto.commit': key('BOOLEAN', 'Offsets are committed by the worker.', (_key, value) =>
    value === true ? 'Not supported: offsets are committed when they are durable in the target' : null,
  ),
}

const clients = { producer, consumer, admin: {} as ConfigDef }
type ClientName = keyof typeof clients

/** Settings that all clients of a worker share; given again below a prefix they have to be the same. */
const sharedSetting = /^(?:bootstrap\.servers$|security\.protocol$|sasl\.|ssl\.)/

/** The client settings a connector overrides, with an error at each that is not served. */
export function checkClientOverrides(kind: 'source' | 'sink', config: SubmittedConfig): readonly ConfigInfo[] {
  const names: readonly ClientName[] = kind === 'source' ? ['producer', 'admin'] : ['producer', 'consumer', 'admin']
  return names.flatMap((name) => checkOverrides(`${name}.override.`, clients[name], config))
}

function checkOverrides(prefix: string, def: ConfigDef, config: SubmittedConfig): readonly ConfigInfo[] {
  const given = Object.entries(config).filter(([name]) => name.startsWith(prefix))
  const served = given.filter(([name]) => Object.hasOwn(def, name.slice(prefix.length)))
  const ownDef = Object.fromEntries(
    served.flatMap(([name]) => {
      const definition = def[name.slice(prefix.length)]
      return definition === undefined
        ? []
        : [[name, { ...definition, displayName: name.slice(prefix.length) }] as const]
    }),
  )
  const known = Object.keys(def).join(', ')
  const refused = given.filter((entry) => !served.includes(entry))
  return [
    ...refused.map(([name]) =>
      undefinedValue(name, [
        `Configuration "${name}" is not supported: ${known === '' ? 'nothing can be overridden here' : `what can be overridden is ${known}`}`,
      ]),
    ),
    ...describeValues(ownDef, checkConfig(ownDef, Object.fromEntries(served))),
  ]
}

/** What an operator should know of `producer.*`, `consumer.*` and `admin.*` in the worker's settings: no values. */
export function clientSettingWarnings(raw: RawConfig): readonly string[] {
  return Object.entries(raw).flatMap(([name, value]) => {
    const [, client, setting] = /^(producer|consumer|admin)\.(.+)$/.exec(name) ?? []
    if (client === undefined || setting === undefined) return []
    if (Object.hasOwn(clients[client as ClientName], setting)) return []
    if (sharedSetting.test(setting)) {
      if (raw[setting] === value) return []
      return [`Worker configuration "${name}" has no effect: all clients use "${setting}"`]
    }
    return [`Worker configuration "${name}" has no effect`]
  })
}
