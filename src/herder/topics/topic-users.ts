import type { RawConfig } from '../../api/config-def.ts'
import { hasReference } from '../../config/providers/provider-reference.ts'
import { subscriptionOf } from '../../runtime/task-thread/sink/membership/subscription-of.ts'
import type { ConnectorType } from '../entities/connector-type.ts'

/** What tells which topics a connector uses. */
export interface TopicUser {
  readonly name: string
  readonly type: ConnectorType
  readonly config: RawConfig
  /** The topics that it has used. */
  readonly activeTopics: readonly string[]
}

/** Returns the names of the connectors that use a topic, those that write it first. */
export type TopicUsers = (topic: string) => readonly string[]

/** A connector uses the topics that it has used, those that a sink reads by its config, and that of its dead letters. */
export function topicUsers(connectors: readonly TopicUser[]): TopicUsers {
  const inOrder = connectors.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
  const uses = inOrder.map((connector) => {
    const named = new Set([...connector.activeTopics, connector.config['errors.deadletterqueue.topic.name']?.trim()])
    const reads = readTopics(connector)
    return { name: connector.name, has: (topic: string) => named.has(topic) || reads(topic) }
  })
  return (topic) => uses.filter(({ has }) => has(topic)).map(({ name }) => name)
}

function rank({ type }: TopicUser): number {
  return type === 'source' ? 0 : 1
}

function readTopics({ type, config }: TopicUser): (topic: string) => boolean {
  const isKnown = type === 'sink' && !hasReference(config['topics']) && !hasReference(config['topics.regex'])
  try {
    const selection = isKnown ? subscriptionOf(config) : { topics: [] }
    return (topic) => ('topics' in selection ? selection.topics.includes(topic) : selection.pattern.test(topic))
  } catch {
    // A config without topics, or with a regex that its task fails on: the connector's state says so.
    return () => false
  }
}
