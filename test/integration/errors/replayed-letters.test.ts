import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { jsonConverter, ReplayStage, textConverter, type Entry } from '../../support/errors/replay-stage.ts'
import { MemoryS3 } from '../../support/s3/memory-s3.ts'
import { untilPasses } from '../../support/until.ts'

describe('dead letters that are delivered again', () => {
  let stage: ReplayStage
  beforeEach(async () => {
    stage = await ReplayStage.set()
  }, 120_000)
  afterEach(async () => await stage?.close())

  it('are those of all causes, and the later records of their keys follow in their order (I12)', async () => {
    await stage.write(
      ['a', '1'],
      ['a', 'bad 2'],
      ['b', '3'],
      ['a', '4'],
      [null, 'bad 5'],
      [null, '6'],
      ['c', '7'],
      ['a', 'bad', 1],
      ['b', '8', 1],
    )
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(7, 2)
    await untilPasses(() => expect(stage.delivered().toSorted()).toEqual(['1', '3', '4', '6', '7', '8']))
    stage.forget()
    await stage.stop()
    await stage.correct()
    const expected = {
      topic: 'letters',
      records: 3,
      gone: 0,
      unread: 0,
      more: false,
      partitions: [
        { topic: 'orders', partition: 0, records: 2, from: 1, until: 7 },
        { topic: 'orders', partition: 1, records: 1, from: 0, until: 2 },
      ],
      message: '3 records are delivered again when the connector is resumed',
    }
    expect(await stage.replay()).toEqual(expected)
    // Again: nothing changes.
    expect(await stage.replay({})).toEqual(expected)
    expect(await stage.refusal('{"key":"a"}')).toEqual([
      400,
      expect.stringContaining('Other dead letters of sink are being delivered again'),
    ])
    await stage.standsAt(1, 0)
    await stage.write(['a', '9'])
    await stage.resume()
    await stage.standsAt(8, 2)
    const own = (partition: readonly string[]): string[] => stage.delivered().filter((line) => partition.includes(line))
    expect(own(['bad 2', '4', 'bad 5', '9', '6', '3', '7', '1'])).toEqual(['bad 2', '4', 'bad 5', '9'])
    expect(own(['bad', '8'])).toEqual(['bad'])
    await untilPasses(async () => expect(await stage.causes()).toMatchObject([{ count: 3, replayed: 3 }]))
    await untilPasses(async () => expect(await stage.status()).not.toContain('REPLAY'))
    expect(await stage.marks()).toBe(4)
    await stage.stop()
    expect(await stage.replay()).toEqual({
      topic: 'letters',
      records: 0,
      gone: 0,
      unread: 0,
      more: false,
      partitions: [],
      message: 'No dead letters are to be delivered again',
    })
    await stage.standsAt(8, 2)
  })

  it('are those of one cause or one key, where these are named', async () => {
    await stage.write(['a', 'bad'], ['b', '{"id":'], ['c', 'bad'], ['c', '5'], [null, 'bad'], ['\u00ff', 'bad'])
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(6)
    await stage.stop()
    const known = await stage.causes()
    const half = known.find(({ count }) => count === 1)
    expect(known.map(({ count }) => count)).toEqual([4, 1])
    await stage.correct()
    stage.forget()
    const steps: readonly (readonly [unknown, readonly string[]])[] = [
      [{ cause: half?.cause }, ['{"id":']],
      [{ cause: half?.cause }, []],
      [{ key: 'c' }, ['bad', '5']],
      [{ key: 'c', cause: half?.cause }, []],
      [{ key: null }, ['bad']],
      [{ key_base64: Buffer.from('\u00ff').toString('base64') }, ['bad']],
      [{ key: 'none' }, []],
      // What is left.
      [undefined, ['bad']],
      [undefined, []],
    ]
    for (const [body, lines] of steps) {
      const { records } = await stage.replay(body)
      expect([body, records]).toEqual([body, Math.min(1, lines.length)])
      await stage.resume()
      await stage.standsAt(6)
      expect([body, stage.delivered()]).toEqual([body, lines])
      stage.forget()
      await stage.stop()
    }
    expect((await stage.causes()).map(({ count, replayed }) => count - replayed)).toEqual([0, 0])
  })

  it('are letters again when they fail again, and only those are delivered the next time', async () => {
    await stage.write(['a', 'bad'], ['b', '{"id":'], ['c', '1'])
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(3)
    await stage.stop()
    // Nothing was corrected.
    await stage.replay()
    await stage.resume()
    await stage.standsAt(3)
    await untilPasses(async () => expect(await stage.letters()).toBe(4))
    await untilPasses(async () =>
      expect((await stage.causes()).map(({ count, replayed }) => [count, replayed])).toEqual([
        [2, 1],
        [2, 1],
      ]),
    )
    await stage.stop()
    expect(await stage.replay()).toMatchObject({ records: 2 })
  })

  it('are delivered when the worker is killed while it does so, and nothing else is (I9)', async () => {
    const entries = Array.from({ length: 3000 }, (_none, at): Entry => [
      null,
      at % 3 === 0 ? `bad ${at}` : `${at}`,
      at % 2,
    ])
    await stage.write(...entries)
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(1500, 1500)
    expect(await stage.letters()).toBe(1000)
    await stage.stop()
    await stage.correct()
    stage.forget()
    expect(await stage.replay()).toMatchObject({ records: 1000 })
    await stage.resumeAndDie(2, 2, 2)
    await stage.standsAt(1500, 1500)
    await stage.write([null, 'last'], [null, 'last', 1])
    await stage.standsAt(1501, 1501)
    const wanted = entries.map(([, value]) => value).filter((value) => value.startsWith('bad'))
    const found = new Set(stage.delivered())
    expect(found.delete('last')).toBe(true)
    expect([...found].toSorted()).toEqual(wanted.toSorted())
    await untilPasses(async () => expect((await stage.causes())[0]).toMatchObject({ count: 1000, replayed: 1000 }))
  })

  describe('of keys that are parked', () => {
    const parking = (converter = jsonConverter): Record<string, string> =>
      stage.sink({
        'errors.deadletterqueue.park.keys': 'true',
        'value.converter': converter,
        'consumer.override.max.poll.records': '1',
      })

    it('release them, in the order of their records, over crashes and to other tasks (I9, I12)', async () => {
      await stage.write(['a', '1'], ['a', 'bad 2'], ['b', '3'], ['a', '4'], ['c', 'bad 5'], ['c', '6'], ['a', '7'])
      await stage.write(['d', 'bad 8', 1], ['d', '9', 1], ['e', '10', 1])
      await stage.worker.post('sink', parking())
      await stage.standsAt(7, 3)
      await untilPasses(() => expect(stage.delivered().toSorted()).toEqual(['1', '10', '3']))
      await stage.stop()
      await stage.configure(parking(textConverter))
      stage.forget()
      expect(await stage.replay({ key: 'a' })).toMatchObject({ records: 3, partitions: [{ from: 1, until: 7 }] })
      await stage.resumeAndDie(2, 2)
      await stage.standsAt(7, 3)
      await stage.write(['a', '11'], ['c', '12'], ['d', '13', 1])
      await stage.standsAt(9, 4)
      await untilPasses(async () => expect(await stage.status()).toContain('2 keys are parked'))
      // A record that was delivered before the worker died may be delivered again, with those after it.
      expect(stage.lastOf(['bad 2', '4', '7', '11'])).toEqual(['bad 2', '4', '7', '11'])
      expect(new Set(stage.delivered())).toEqual(new Set(['bad 2', '4', '7', '11']))
      await stage.stop()
      stage.forget()
      expect(await stage.replay()).toMatchObject({ records: 6, partitions: [{ records: 3 }, { records: 3 }] })
      await stage.configure({ ...parking(textConverter), 'tasks.max': '2' })
      await stage.resumeAndDie(1, 2)
      await stage.standsAt(9, 4)
      await untilPasses(async () => expect(await stage.status()).not.toContain('PARKED_KEYS'))
      await stage.write(['a', '14'], ['c', '15'], ['d', '16', 1])
      await stage.standsAt(11, 5)
      expect(stage.lastOf(['bad 5', '6', '12', '15'])).toEqual(['bad 5', '6', '12', '15'])
      expect(stage.lastOf(['bad 8', '9', '13', '16'])).toEqual(['bad 8', '9', '13', '16'])
      expect(stage.lastOf(['14', '3', '10', '11'])).toEqual(['14'])
      await stage.configure({ ...parking(textConverter), 'tasks.max': '1' })
      await stage.write(['a', '17'], ['c', '18'], ['d', '19', 1])
      await stage.standsAt(13, 6)
      expect(stage.lastOf(['17', '18'])).toEqual(['17', '18'])
    })

    it('stay parked behind a record that fails again', async () => {
      await stage.write(['a', 'bad'], ['a', '2'], ['b', '3'])
      await stage.worker.post('sink', parking())
      await stage.standsAt(3)
      await stage.stop()
      expect(await stage.replay()).toMatchObject({ records: 2 })
      await stage.resume()
      await stage.standsAt(3)
      await untilPasses(async () => expect(await stage.letters()).toBe(4))
      await stage.write(['a', '4'])
      await stage.standsAt(4)
      await stage.kill()
      await stage.start()
      await stage.write(['a', '5'], ['b', '6'])
      await stage.standsAt(6)
      expect(stage.delivered()).toEqual(['3', '6'])
      await stage.stop()
      await stage.configure(parking(textConverter))
      expect(await stage.replay()).toMatchObject({ records: 4, partitions: [{ from: 0, until: 6 }] })
      await stage.resume()
      await stage.standsAt(6)
      expect(stage.delivered()).toEqual(['3', '6', 'bad', '2', '4', '5'])
    })
  })

  it.each([
    ['without context headers', { 'errors.deadletterqueue.context.headers.enable': 'false' }],
    ['without a queue', { 'errors.deadletterqueue.topic.name': '' }],
  ])('are delivered by a config %s, too, and nothing else is', async (_config, changed) => {
    await stage.write(['a', '1'], ['b', 'bad'], ['c', '2'])
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(3)
    await stage.stop()
    await stage.replay()
    stage.forget()
    await stage.configure(stage.sink({ 'value.converter': textConverter, ...changed }))
    await stage.resume()
    await stage.standsAt(3)
    expect(stage.delivered()).toEqual(['bad'])
  })

  it('are stored in objects of their own by an archive, once over crashes, and what it has stays as it is (I9)', async () => {
    const store = await MemoryS3.start()
    const objects = (): Record<string, string> =>
      Object.fromEntries([...store.objects].map(([key, { body }]) => [key, body.toString()]))
    try {
      await stage.write(['a', '1'], ['a', 'bad 1'], ['a', '2'], [null, 'bad 3'], ['b', '4'], ['a', 'bad 5'], ['b', '6'])
      const archive = stage.sink({
        'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
        'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
        's3.bucket.name': 'bucket',
        's3.region': 'us-east-1',
        'store.url': store.url,
        'aws.access.key.id': 'key',
        'aws.secret.access.key': 'secret',
        'flush.size': '2',
      })
      await stage.worker.post('sink', archive)
      await stage.standsAt(7)
      await stage.stop()
      const before = objects()
      const name = (offset: number): string => `topics/orders/partition=0/orders+0+000000000${offset}`
      expect(before).toEqual({ [`${name(0)}.json`]: '1\n2\n', [`${name(4)}.json`]: '4\n6\n' })
      await stage.configure({ ...archive, 'value.converter': textConverter })
      expect(await stage.replay()).toMatchObject({ records: 3, partitions: [{ from: 1, until: 7 }] })
      await stage.resumeAndDie(1, 2)
      await stage.write(['b', '7'], ['b', '8'])
      await stage.standsAt(9)
      const added = Object.entries(objects()).filter(([key]) => before[key] === undefined)
      const replay = /\+replay-[0-9a-f]{16}\.json$/
      expect(Object.fromEntries(added.map(([key, body]) => [key.replace(replay, '+replay.json'), body]))).toEqual({
        [`${name(1)}+replay.json`]: '"bad 1"\n"bad 3"\n',
        [`${name(5)}+replay.json`]: '"bad 5"\n',
        [`${name(7)}.json`]: '"7"\n"8"\n',
      })
      expect(objects()).toMatchObject(before)
      await untilPasses(async () => expect(await stage.causes()).toMatchObject([{ count: 3, replayed: 3 }]))
      expect(await stage.status()).toContain('"state":"RUNNING"')
    } finally {
      await store.close()
    }
  })

  it('are marked in a compacted queue, too', async () => {
    await stage.client.admin.createTopic({
      name: 'compacted',
      partitions: 1,
      replicationFactor: 1,
      configs: { 'cleanup.policy': 'compact' },
    })
    const queue = { 'errors.deadletterqueue.topic.name': 'compacted' }
    await stage.write(['a', 'bad'], ['a', '1'])
    await stage.worker.post('sink', stage.sink(queue))
    await stage.standsAt(2)
    await stage.stop()
    await stage.configure(stage.sink({ ...queue, 'value.converter': textConverter }))
    await stage.replay()
    await stage.resume()
    await stage.standsAt(2)
    await untilPasses(async () => expect(await stage.causes()).toMatchObject([{ count: 1, replayed: 1 }]))
    expect(await stage.status()).toContain('"state":"RUNNING"')
  })

  it('are delivered in portions with a limit, each once', async () => {
    await stage.write(...Array.from({ length: 5 }, (_none, at): Entry => [null, `bad ${at}`]), [null, '5'])
    await stage.worker.post('sink', stage.sink())
    await stage.standsAt(6)
    await stage.stop()
    const cause = (await stage.causes())[0]?.cause
    await stage.correct()
    stage.forget()
    const body = { cause, limit: 2 }
    for (const [records, more, until] of [
      [2, true, 2],
      [2, true, 4],
      [1, false, 5],
    ] as const) {
      const first = await stage.replay(body)
      expect(first).toMatchObject({ records, more, partitions: [{ from: until - records, until: 6 }] })
      // Again: nothing changes.
      expect(await stage.replay(body)).toEqual(first)
      await stage.resume()
      await untilPasses(async () => expect(await stage.causes()).toMatchObject([{ count: 5, replayed: until }]))
      await stage.stop()
    }
    expect(await stage.replay(body)).toMatchObject({ records: 0, more: false })
    expect(stage.delivered()).toEqual(Array.from({ length: 5 }, (_none, at) => `bad ${at}`))
  })
})
