import { brokerSettings } from './broker-setting-definitions.ts'
import { settingTexts } from './broker-settings.ts'
import type { BrokerState } from '../broker-state.ts'
import type { TopicConfigType } from './topic-config-definitions.ts'

interface Entry {
  readonly name: string
  readonly value: string
  readonly type: TopicConfigType
}

/** The broker's configs under Kafka's names, in their order. */
export function brokerConfigEntries({ config, coordinators }: BrokerState): readonly Entry[] {
  const settings = settingTexts(config, coordinators).map(([name, value]): Entry => {
    return { name, value, type: brokerSettings[name]?.type ?? 'string' }
  })
  const fixed: readonly Entry[] = [
    { name: 'broker.id', value: String(config.nodeId), type: 'int' },
    { name: 'min.insync.replicas', value: '1', type: 'int' },
    { name: 'node.id', value: String(config.nodeId), type: 'int' },
    { name: 'process.roles', value: 'broker,controller', type: 'list' },
  ]
  return [...settings, ...fixed].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
