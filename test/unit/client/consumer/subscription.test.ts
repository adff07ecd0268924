import { describe, expect, it } from 'vitest'
import { MetadataCache } from '../../../../src/client/cluster/metadata-cache.ts'
import { Subscription, type TopicSelection, type TopicSource } from '../../../../src/client/consumer/subscription.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

/** A cluster whose topics a test makes; it notes when it was asked. */
class FewTopics implements TopicSource {
  readonly clock = new ManualClock()
  readonly logger = quietLogger()
  readonly isClosed = false
  readonly metadata = new MetadataCache()
  readonly askedAt: number[] = []
  readonly #made = new Set<string>()

  make(name: string): void {
    this.#made.add(name)
  }

  refreshMetadata(): Promise<void> {
    this.askedAt.push(this.clock.monotonic())
    for (const name of this.#made) {
      const partitions = [{ partition: 0, leaderId: 0, replicas: [0] }]
      this.metadata.topics.set(name, { name, id: null, isInternal: false, partitions })
    }
    return Promise.resolve()
  }

  retrying<T>(_what: string, _options: object, action: () => Promise<T>): Promise<T> {
    return action()
  }
}

async function watching(
  cluster: FewTopics,
  selection: TopicSelection,
  maxAgeMs: number,
): Promise<{ readonly changes: string[]; readonly close: () => void }> {
  const changes: string[] = []
  const subscription = new Subscription(cluster, selection, {
    maxAgeMs,
    allowAutoTopicCreation: false,
    onChange: (reason) => changes.push(reason),
  })
  await subscription.load()
  subscription.watch()
  return { changes, close: () => subscription.close() }
}

/** Moves time on in small steps; whatever waits for its turn gets it after each. */
async function pass(cluster: FewTopics, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    cluster.clock.advance(Math.min(50, left))
    await new Promise(setImmediate)
  }
}

describe('a subscription', () => {
  it.each<[string, TopicSelection]>([
    ['named', { topics: ['orders'] }],
    ['matching', { pattern: /ord.*/ }],
  ])('finds a %s topic that appears soon after it within a fraction of a second', async (_kind, selection) => {
    const cluster = new FewTopics()
    const { changes, close } = await watching(cluster, selection, 300_000)
    await pass(cluster, 900)
    cluster.make('orders')
    await pass(cluster, 150)
    expect(changes).toEqual(['partitions of orders were created or deleted'])
    close()
  })

  it.each<[string, TopicSelection, number]>([
    ['every second for a name', { topics: ['orders'] }, 1_000],
    ['every ten seconds for a pattern', { pattern: /ord.*/ }, 10_000],
  ])('looks for what stays missing ever more seldom, in the end %s', async (_how, selection, intervalMs) => {
    const cluster = new FewTopics()
    const { close } = await watching(cluster, selection, 300_000)
    await pass(cluster, 150_000)
    const [before = 0, last = 0] = cluster.askedAt.slice(-2)
    expect(last - before).toBe(intervalMs)
    expect(cluster.askedAt.length).toBeLessThan(200)
    close()
  })

  it('reports a topic that begins to match during a join as a change', async () => {
    const cluster = new FewTopics()
    const changes: string[] = []
    const onChange = (reason: string): void => void changes.push(reason)
    const options = { maxAgeMs: 1_000, allowAutoTopicCreation: false, onChange }
    const subscription = new Subscription(cluster, { pattern: /ord.*/ }, options)
    await subscription.load()
    const asked = subscription.ask()
    cluster.make('orders')
    expect(await subscription.partitionCounts(asked)).toEqual(new Map())
    subscription.watch()
    await pass(cluster, 1_000)
    expect(changes).toEqual(['partitions of orders were created or deleted'])
    subscription.close()
  })

  it.each<[string, TopicSelection, string]>([
    ['by name', { topics: ['customers', 'orders'] }, 'the cluster has no topic orders'],
    ['by a pattern', { pattern: /ord.*/ }, 'the cluster has no topic that matches the pattern'],
  ])(
    'says what is missing of topics selected %s, and nothing before it has looked',
    async (_how, selection, missing) => {
      const cluster = new FewTopics()
      cluster.make('customers')
      const options = { maxAgeMs: 1_000, allowAutoTopicCreation: false, onChange: () => undefined }
      const subscription = new Subscription(cluster, selection, options)
      expect(subscription.missing()).toBeNull()
      await subscription.load()
      expect(subscription.missing()).toBe(missing)
      cluster.make('orders')
      subscription.watch()
      await pass(cluster, 1_000)
      expect(subscription.missing()).toBeNull()
      cluster.metadata.topics.delete('orders')
      expect(subscription.missing()).toBe(missing)
      subscription.close()
    },
  )

  it('looks at its age only once all that it names is there', async () => {
    const cluster = new FewTopics()
    cluster.make('orders')
    const { close } = await watching(cluster, { topics: ['orders'] }, 5_000)
    await pass(cluster, 12_000)
    expect(cluster.askedAt).toEqual([0, 5_000, 10_000])
    close()
  })
})
