import { systemClock, type Clock } from 'penstock/api'
import { beforeEach, expect, it } from 'vitest'

import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'

const key = 't/partition=0/t+0+0000000000.json'
const ahead: Clock = { ...systemClock, now: () => 4_000_000_000_000 }
const behind: Clock = { ...systemClock, now: () => 1_000_000_000_000 }

const sinks = memoryS3Sinks()
beforeEach(() => {
  sinks.log.topicIds.set('t', 'id-1')
  for (let n = 0; n < 4; n += 1) sinks.log.append({ topic: 't', value: n })
})

const committed = (offset: number) => (): boolean => sinks.log.committed.get('t-0') === offset
const stored = (): string => sinks.store.objects.get(key)?.body.toString() ?? ''

const conditions = ['true', 'false'].map((value) => ({ 'enable.conditional.writes': value }))

it('a topic that was restored from a backup replaces no object with other records, until the object is moved away', async () => {
  await (await sinks.start({ 'flush.size': '2' })).runUntil('both objects', committed(4))
  const second = 't/partition=0/t+0+0000000002.json'
  const text = (): string => sinks.store.objects.get(second)?.body.toString() ?? ''
  expect(text()).toBe('2\n3\n')

  sinks.log.records.get('t-0')?.splice(2)
  sinks.log.committed.set('t-0', 2)
  for (const value of ['other', 'records']) sinks.log.append({ topic: 't', value, timestamp: 1_700_000_000_001 })
  const restored = await sinks.start({ 'flush.size': '2' })
  await expect(restored.runUntil('an object', committed(4))).rejects.toThrow('S3_OTHER_RECORDS')
  expect(text()).toBe('2\n3\n')
  expect(committed(2)()).toBe(true)

  sinks.store.objects.delete(second)
  await (await sinks.start({ 'flush.size': '2' })).runUntil('an object', committed(4))
  expect(text()).toBe('"other"\n"records"\n')
})

for (const settings of conditions) {
  const title = `with enable.conditional.writes=${settings['enable.conditional.writes']}`

  it(`a task that lost its partition replaces nothing of its successor, although its clock is ahead, ${title}`, async () => {
    const former = await sinks.start({ 'flush.size': '2', ...settings }, ahead)
    const successor = await sinks.start({ 'flush.size': '4', ...settings })
    await successor.runUntil('the object', committed(4))

    former.holds = false
    await former.runUntil('a refused commit', () => former.refusedCommits > 0)
    expect(stored()).toBe('0\n1\n2\n3\n')
    expect(committed(4)()).toBe(true)
  })

  it(`a task replaces the object that an earlier run left uncommitted, although its clock was ahead, ${title}`, async () => {
    const former = await sinks.start({ 'flush.size': '4', ...settings }, ahead)
    former.commitEvery = Number.POSITIVE_INFINITY
    await former.runUntil('the object', () => sinks.store.objects.has(key))
    await former.crash()

    const successor = await sinks.start({ 'flush.size': '2', ...settings }, behind)
    await successor.runUntil('both objects', committed(4))
    expect(stored()).toBe('0\n1\n')
    expect(sinks.store.objects.size).toBe(2)
  })
}
