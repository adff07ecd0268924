import { describe, expect, it } from 'vitest'

import { brokerWithClients } from '../../../contract/broker-with-clients.ts'
import { Outcomes, readAll, textOf, textRecord } from '../../../contract/client-harness.ts'
import { untilPasses } from '../../../support/until.ts'

const kafka = brokerWithClients()

describe('a producer that may not write', () => {
  it.each(['client', 'producer'] as const)(
    'by its %s writes nothing, says so, and writes everything in order once it may',
    async (whose) => {
      const topic = kafka.clients.name('denied')
      let may = true
      const limit = { mayWrite: () => may }
      const client = await kafka.clients.connect(whose === 'client' ? limit : {})
      await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
      const retried: string[] = []
      const outcomes = Object.assign(new Outcomes(), {
        onRetried: (_topic: string, error: Error) => void retried.push(error.message),
      })
      const producer = client.producer(outcomes, { lingerMs: 0, ...(whose === 'producer' ? limit : {}) })
      producer.append(textRecord(topic, null, 'a'), 0)
      await producer.flush()
      may = false
      producer.append(textRecord(topic, null, 'b'), 1)
      producer.append(textRecord(topic, null, 'c'), 2)
      await untilPasses(() => expect(retried.length).toBeGreaterThan(1))
      expect(retried[0]).toContain('has not heard from its group')
      expect(textOf(await readAll(client, topic))).toEqual(['a'])
      may = true
      await producer.flush()
      expect(textOf(await readAll(client, topic))).toEqual(['a', 'b', 'c'])
      await producer.close()
    },
  )
})
