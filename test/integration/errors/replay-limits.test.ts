import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { recreateTopic } from '../../support/broker/cluster-tools.ts'
import { ReplayStage, textConverter } from '../../support/errors/replay-stage.ts'
import { untilPasses } from '../../support/until.ts'

describe('dead letters that cannot be delivered again, or not all', () => {
  let stage: ReplayStage
  beforeEach(async () => {
    stage = await ReplayStage.set()
  }, 120_000)
  afterEach(async () => await stage?.close())

  it('fail the task when their queue was deleted, which delivers and commits nothing', async () => {
    await stage.write(['a', 'bad'], ['a', '1'])
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(2)
    await stage.stop()
    await stage.correct()
    await stage.replay()
    await stage.asAdmin(async (admin) => await admin.deleteTopics({ topics: ['letters'] }))
    expect(await stage.refusal('')).toEqual([400, expect.stringContaining('which had their dead letters, was deleted')])
    stage.forget()
    await stage.resume()
    await untilPasses(async () => expect(await stage.status()).toContain('which had their dead letters, was deleted'))
    expect(await stage.status()).toContain('"state":"FAILED"')
    expect(stage.delivered().join('')).toBe('')
    await stage.standsAt(0)
  })

  it('of a topic that the sink does not read any more wait until it does, and do not block others', async () => {
    await stage.client.admin.createTopic({ name: 'others', partitions: 1, replicationFactor: 1 })
    await stage.write(['a', 'bad a'])
    await stage.writeTo('others', ['x', 'bad x'])
    const both = { topics: 'orders,others', 'errors.log.enable': 'true' }
    await stage.worker.post('sink', stage.sink(both))
    await untilPasses(async () => expect(await stage.causes()).toMatchObject([{ count: 2 }]))
    await stage.stop()
    expect(await stage.replay()).toMatchObject({ records: 2, unread: 0 })
    await stage.correct()
    stage.forget()
    await stage.resume()
    await untilPasses(async () => expect(await stage.causes()).toMatchObject([{ count: 2, replayed: 1 }]))
    await stage.stop()
    const message =
      'No dead letters are to be delivered again. 1 record is of topics that the connector does not read any more (topics, topics.regex)'
    expect(await stage.replay({ key: 'a' })).toMatchObject({ records: 0, unread: 1, message })
    expect(await stage.replay()).toMatchObject({ records: 0, unread: 1, message })
    await stage.configure(stage.sink({ ...both, 'value.converter': textConverter }))
    expect(await stage.replay()).toMatchObject({
      records: 1,
      unread: 0,
      partitions: [{ topic: 'others', from: 0, until: 1 }],
    })
    await stage.resume()
    await untilPasses(async () => expect(await stage.causes()).toMatchObject([{ count: 2, replayed: 2 }]))
    expect(stage.delivered()).toEqual(['bad a', 'bad x'])
  })

  it('of a topic that was deleted and created again are gone: no record of the new topic is taken for theirs', async () => {
    await stage.write(['a', 'bad'], ['b', '1'])
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(2)
    await stage.stop()
    await stage.correct()
    for (const offset of [0, 1]) await stage.letterOfConnect(offset)
    await recreateTopic(stage.client, stage.place.broker, 'orders')
    await stage.write(['a', '2'])
    stage.forget()
    await stage.resume()
    await stage.standsAt(1)
    await stage.stop()
    expect(await stage.replay()).toMatchObject({
      records: 0,
      gone: 2,
      message:
        'No dead letters are to be delivered again. 2 records are no longer in the topic, and only the dead letter queue has the bytes',
    })
    await stage.resume()
    await stage.write(['a', '3'])
    await stage.standsAt(2)
    expect(stage.delivered()).toEqual(['2', '3'])
    // A letter without the id of its topic is of the present one when its record is there, and is found behind the others.
    await stage.stop()
    await stage.letterOfConnect(1)
    expect(await stage.replay({ limit: 1 })).toMatchObject({ records: 1, gone: 3, partitions: [{ from: 1, until: 2 }] })
    await stage.resume()
    await stage.standsAt(2)
    await untilPasses(() => expect(stage.delivered()).toEqual(['2', '3', '3']))
  })

  it('are not chosen any more when the offsets are altered: then every record is delivered', async () => {
    await stage.write(['a', '1'], ['b', 'bad'], ['c', '2'])
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(3)
    await stage.stop()
    await stage.correct()
    await stage.replay()
    stage.forget()
    await stage.alterOffset(0, 0)
    await stage.resume()
    await stage.standsAt(3)
    expect(stage.delivered()).toEqual(['1', 'bad', '2'])
  })

  it('are refused with the reason where there are none, or their records could not be told', async () => {
    await stage.write(['a', 'bad'])
    await stage.worker.post('sink', stage.sink())
    await stage.worker.post('parking', stage.sink({ 'errors.deadletterqueue.park.keys': 'true' }))
    await stage.worker.post('without', stage.sink({ 'errors.deadletterqueue.topic.name': '' }))
    await stage.worker.post('source', {
      'connector.class': 'FileStreamSource',
      file: stage.file('in.txt'),
      topic: 'in',
    })
    await stage.standsAt(1)
    expect(await stage.refusal('')).toEqual([400, expect.stringContaining('must be in the STOPPED state')])
    for (const name of ['sink', 'parking', 'without', 'source']) await stage.stop(name)
    expect(await stage.refusal('{"cause":"a"}', 'parking')).toEqual([400, expect.stringContaining('parks keys')])
    expect(await stage.refusal('{"limit":1}', 'parking')).toEqual([400, expect.stringContaining('parks keys')])
    expect(await stage.refusal('{"limit":0}')).toEqual([400, expect.stringContaining('"limit" is not a number')])
    expect(await stage.refusal('', 'without')).toEqual([400, expect.stringContaining('has no dead letter queue')])
    expect(await stage.refusal('', 'source')).toEqual([400, expect.stringContaining('is not a sink')])
    expect(await stage.refusal('', 'missing')).toEqual([404, 'Connector missing not found'])
    expect(await stage.refusal('{"keys":"a"}')).toEqual([
      expect.any(Number),
      expect.stringContaining('Unrecognized field "keys"'),
    ])
    expect(await stage.refusal('{"key":"a","key_base64":"YQ=="}')).toEqual([
      expect.any(Number),
      expect.stringContaining('Only one of'),
    ])
    expect(await stage.refusal('{"key_base64":"?"}')).toEqual([
      expect.any(Number),
      expect.stringContaining('not in base64'),
    ])
  })

  it('are counted as gone when their records are not in the topic any more, and the error says how to continue', async () => {
    await stage.write(['a', 'bad 1'], ['b', 'bad 2'], ['c', '1'])
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(3)
    await stage.stop()
    await stage.correct()
    expect(await stage.replay()).toMatchObject({ records: 2, partitions: [{ from: 0, until: 3 }] })
    await stage.asAdmin(async (admin) => {
      await admin.fetchTopicMetadata({ topics: ['orders'] })
      await admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset: '1' }] })
    })
    const reason = 'those before offset 1 are no longer in the topic: retention has deleted them'
    expect(await stage.refusal('')).toEqual([400, expect.stringContaining(reason)])
    stage.forget()
    await stage.resume()
    await untilPasses(async () => expect(await stage.status()).toContain(reason))
    expect(await stage.status()).toContain('"state":"FAILED"')
    await stage.stop()
    await stage.alterOffset(0, 3)
    expect(await stage.replay()).toMatchObject({
      records: 1,
      gone: 1,
      partitions: [{ from: 1, until: 3 }],
      message: expect.stringContaining('1 record is no longer in the topic'),
    })
    await stage.resume()
    await stage.standsAt(3)
    expect(stage.delivered()).toEqual(['bad 2'])
  })
})
