import { rmSync, writeFileSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { untilPasses } from '../../support/until.ts'
import { WorkerTrio } from '../../support/worker/worker-trio.ts'

describe('a secret with a TTL, in a group of three workers', () => {
  let trio: WorkerTrio
  beforeAll(async () => {
    trio = await WorkerTrio.start({
      'config.providers': 'file',
      'config.providers.file.class': 'FileConfigProvider',
      'config.providers.file.param.secret.default.ttl': '1000',
      'offset.flush.interval.ms': '200',
    })
  })
  afterAll(async () => await trio?.close())

  /** Sets the secret: the file that the sources read. */
  const keep = (name: string): void => writeFileSync(trio.path('s.properties'), `path=${trio.path(name)}\n`)
  const source = (topic: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
    'connector.class': 'FileStreamSource',
    file: `\${file:${trio.path('s.properties')}:path}`,
    topic,
    ...more,
  })
  const worker = () => {
    const [first] = trio.workers
    if (first === undefined) throw new TypeError('no worker')
    return first
  }
  const taskOf = async (
    connector: string,
  ): Promise<{ readonly state: string; readonly trace?: string } | undefined> => {
    const status = await worker().request('GET', `/connectors/${connector}/status`)
    return (status as { tasks: { state: string; trace?: string }[] }).tasks[0]
  }
  const metrics = async (): Promise<string> =>
    (
      await Promise.all(trio.workers.map(async ({ place }) => await (await fetch(`${place.rest}/metrics`)).text()))
    ).join()
  /** The lines of all workers that say so. */
  const said = (text: string): number =>
    trio.workers.flatMap(({ output }) => output.split('\n')).filter((line) => line.includes(text)).length

  it('restarts what uses it when it has changed, once in the group, and shows when it cannot be read', async () => {
    trio.write('one', ['1'])
    trio.write('two', ['2'])
    keep('one')
    await worker().post('changes', source('of-changes'))
    await worker().post('stays', source('of-stays', { 'config.action.reload': 'none' }))
    await worker().post('other', { ...source('of-other'), file: trio.path('one') })
    await worker().post('out', {
      'connector.class': 'FileStreamSink',
      topics: 'of-changes,of-stays,of-other',
      file: trio.path('out'),
      'consumer.override.auto.offset.reset': 'earliest',
    })
    await untilPasses(() => expect(trio.lines('out').toSorted()).toEqual(['1', '1', '1']))

    rmSync(trio.path('s.properties'))
    const failed =
      /^SECRET_REFRESH: secrets could not be read again; their last values are used: \$\{file:.*\(ENOENT\)$/
    await untilPasses(async () =>
      expect(await taskOf('changes')).toMatchObject({ state: 'RUNNING', trace: expect.stringMatching(failed) }),
    )
    await untilPasses(async () => {
      const text = await metrics()
      expect(text).toMatch(/penstock_task_condition\{connector="changes",task="0",code="SECRET_REFRESH"\} 1/)
      expect(text).toMatch(/penstock_secret_refreshes_total\{connector="changes",outcome="failed"\} [1-9]/)
    })
    keep('one')
    await untilPasses(async () => expect((await taskOf('changes'))?.trace).toBeUndefined())
    expect(await metrics()).toMatch(/penstock_secret_refreshes_total\{connector="changes",outcome="unchanged"\} [1-9]/)
    expect(said('restarts: the value of')).toBe(0)

    keep('two')
    await untilPasses(() => expect(trio.lines('out').toSorted()).toEqual(['1', '1', '1', '2']))
    await untilPasses(() => expect(said('connector changes restarts: the value of ${file:')).toBe(1))
    expect(said('task changes-0 restarts: the value of ${file:')).toBe(1)
    await untilPasses(async () => expect(await taskOf('changes')).toMatchObject({ state: 'RUNNING' }))
    // The next look finds the value that is in use.
    const looks = async (): Promise<number> =>
      Number(/refreshes_total\{connector="changes",outcome="unchanged"\} (\d+)/.exec(await metrics())?.[1])
    const before = await looks()
    await untilPasses(async () => expect(await looks()).toBeGreaterThan(before + 3))
    expect(said('restarts: the value of')).toBe(2)
    expect((await metrics()).match(/secret_refreshes_total\{connector="(?:stays|other)"/g)).toBeNull()
  })
})
