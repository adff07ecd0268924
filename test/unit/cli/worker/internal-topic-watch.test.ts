import { describe, expect, it } from 'vitest'
import { InternalTopicWatch } from '../../../../src/cli/worker/internal-topic-watch.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { untilPasses } from '../../../support/until.ts'

describe('the watch over internal topics', () => {
  it('names a topic that was deleted, until it exists again, and a log that does not respond', async () => {
    const topic = (name: string) => ({ name, partitions: 1, replicationFactor: 1, configs: {} })
    const existing = new Set(['configs', 'offsets', 'statuses'])
    let looks = 0
    let fails = false
    const describeTopics = async (names: readonly string[]) => {
      looks += 1
      if (fails) throw new Error('no broker')
      return new Map(names.filter((name) => existing.has(name)).map((name) => [name, {} as never]))
    }
    const clock = new ManualClock()
    const logger = quietLogger()
    const topics = { configTopic: topic('configs'), offsetTopic: topic('offsets'), statusTopic: topic('statuses') }
    const watch = new InternalTopicWatch({ topics, servers: 'h:9092', admin: { describeTopics }, clock, logger })
    const look = async (): Promise<void> => {
      const before = looks
      clock.advance(10_000)
      await untilPasses(() => expect([looks, clock.pending]).toEqual([before + 1, 1]))
    }
    await look()
    expect(watch.conditions.size).toBe(0)
    existing.delete('offsets')
    await look()
    await untilPasses(() =>
      expect([...watch.conditions]).toEqual([
        ['INTERNAL_TOPIC_MISSING', expect.stringContaining('offsets (offset.storage.topic: source connectors cannot')],
      ]),
    )
    fails = true
    await look()
    await untilPasses(() => expect([...watch.conditions.keys()]).toEqual(['INTERNAL_TOPIC_MISSING', 'LOG_UNREACHABLE']))
    expect(watch.conditions.get('LOG_UNREACHABLE')).toMatch(
      /^the broker at h:9092 has not responded since .*: no broker\. /,
    )
    fails = false
    existing.add('offsets')
    await look()
    await untilPasses(() => expect(watch.conditions.size).toBe(0))
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(2)
    watch.close()
  })
})
