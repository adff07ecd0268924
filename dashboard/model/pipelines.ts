import type { ConnectorView } from './connector-view.ts'

import { byUrgency } from './connector-view.ts'

/** Connectors that share topics: sources write into them, sinks read from them. */
export interface Pipeline {
  /** The name of its first connector. */
  readonly key: string
  readonly sources: readonly ConnectorView[]
  readonly topics: readonly string[]
  readonly sinks: readonly ConnectorView[]
  /** The connector that limits the flow; null: none does. */
  readonly binding: string | null
}

/** Below it, a stage keeps up: commits and flushes take a moment. Seconds. */
const keepsUpSeconds = 5

/** The pipelines of these connectors, those with failed connectors first. */
export function pipelinesOf(views: readonly ConnectorView[]): readonly Pipeline[] {
  const groups = new Map<string, ConnectorView[]>()
  const groupOf = groupKeys(views)
  for (const view of views.toSorted(byUrgency)) {
    const key = groupOf(view)
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(view)
  }
  return [...groups.values()].map(pipelineOf)
}

/** The topics of a connector that carry its data: without those of its dead letters. */
export function dataTopics({ entry }: ConnectorView): readonly string[] {
  return entry.topics.filter((topic) => topic !== entry.dead_letter_topic)
}

/** Returns the key of each connector's group: groups that share a topic have the same one. */
function groupKeys(views: readonly ConnectorView[]): (view: ConnectorView) => string {
  const parents = new Map<string, string>()
  const root = (node: string): string => {
    let at = node
    for (let parent = parents.get(at); parent !== undefined; parent = parents.get(at)) at = parent
    return at
  }
  for (const view of views)
    for (const topic of dataTopics(view)) {
      const [a, b] = [root(`connector ${view.name}`), root(`topic ${topic}`)]
      if (a !== b) parents.set(a, b)
    }
  return ({ name }) => root(`connector ${name}`)
}

function pipelineOf(views: readonly ConnectorView[]): Pipeline {
  const sources = views.filter(({ entry }) => entry.type !== 'sink')
  const sinks = views.filter(({ entry }) => entry.type === 'sink')
  return {
    key: [...sources, ...sinks].map(({ name }) => name).toSorted()[0] ?? '',
    sources,
    topics: [...new Set(views.flatMap(dataTopics))].toSorted(),
    sinks,
    binding: bindingOf(sources, sinks),
  }
}

/** What does not run limits most, then what waits, then what is furthest behind. Sources come before sinks. */
function bindingOf(sources: readonly ConnectorView[], sinks: readonly ConnectorView[]): string | null {
  const stages = [...sources, ...sinks]
  if (stages.length < 2 && stages[0]?.state === 'RUNNING') return null
  const down = stages.find(({ state }) => state !== 'RUNNING' && state !== 'DEGRADED')
  const waiting = stages.find(({ state }) => state === 'DEGRADED')
  if (down !== undefined || waiting !== undefined) return (down ?? waiting)?.name ?? null
  const [slowest] = stages
    .map((view) => ({ name: view.name, seconds: view.lagTime?.seconds ?? view.behindSeconds ?? 0 }))
    .filter(({ seconds }) => seconds > keepsUpSeconds)
    .toSorted((a, b) => b.seconds - a.seconds)
  return slowest?.name ?? null
}
