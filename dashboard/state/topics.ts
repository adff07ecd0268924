import { useEffect, useState } from 'preact/hooks'

import { useResource, type Resource } from './resource.ts'

/** A topic, as `GET /topics` returns it. */
export interface TopicSummary {
  readonly name: string
  readonly partitions: number
  readonly internal: boolean
  readonly records: number | null
  readonly connectors: readonly string[]
}

interface Seen {
  readonly at: number
  readonly records: ReadonlyMap<string, number>
}

export interface TopicRates {
  readonly topics: Resource<readonly TopicSummary[]>
  /** Records per second, since the reading before the last one. */
  readonly rates: ReadonlyMap<string, number>
}

const intervalMs = 3000

/** The topics, and how fast they grow. */
export function useTopicRates(): TopicRates {
  const topics = useResource<readonly TopicSummary[]>('/topics', intervalMs)
  const [state, setState] = useState<{ readonly last: Seen | null; readonly rates: TopicRates['rates'] }>({
    last: null,
    rates: new Map(),
  })
  useEffect(() => {
    const { data } = topics
    if (data === null) return
    const seen: Seen = {
      at: performance.now(),
      records: new Map(data.flatMap(({ name, records }) => (records === null ? [] : [[name, records] as const]))),
    }
    setState(({ last }) => ({ last: seen, rates: last === null ? new Map() : ratesBetween(last, seen) }))
  }, [topics.data])
  return { topics, rates: state.rates }
}

function ratesBetween(before: Seen, after: Seen): ReadonlyMap<string, number> {
  const seconds = (after.at - before.at) / 1000
  return new Map(
    [...after.records].flatMap(([name, records]) => {
      const earlier = before.records.get(name)
      return earlier === undefined || seconds <= 0 ? [] : [[name, Math.max(0, records - earlier) / seconds] as const]
    }),
  )
}
