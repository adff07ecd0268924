import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { WorkerProcess } from '../../support/worker/worker-process.ts'
import { WorkerTrio } from '../../support/worker/worker-trio.ts'
import { eventually } from '../../support/worker/worker-process.ts'

const source = (file: string, topic: string) => ({
  'connector.class': 'FileStreamSource',
  'tasks.max': '1',
  'batch.size': '100',
  file,
  topic,
})
const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i).padStart(6, '0'))

interface StoredOffsets {
  readonly offsets: readonly { readonly offset: { readonly position: number } }[]
}

describe('three workers of a group', () => {
  let trio: WorkerTrio
  beforeAll(async () => {
    trio = await WorkerTrio.start({ 'offset.flush.interval.ms': '200' })
  })
  afterAll(async () => await trio?.close())

  const counts = { a: 1, b: 1, c: 1, out: 3 }

  it('share the connectors and tasks that any of them is given', async () => {
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      trio.write(`${name}.in`, lines(0, 1000))
      await trio.workers[i]?.post(name, source(trio.path(`${name}.in`), name))
    }
    const sink = { 'connector.class': 'FileStreamSink', 'tasks.max': '3', topics: 'a,b,c', file: trio.path('out') }
    await trio.workers[2]?.post('out', sink)
    const places = await trio.placed(trio.workers, counts)
    for (const worker of trio.workers) {
      const held = [...places].filter(([, at]) => at === worker).map(([name]) => name)
      expect(held.filter((name) => name.includes('-'))).toHaveLength(2)
    }
    await eventually('all lines', 60_000, async () => (trio.lines('out').length === 3000 ? true : null))
  }, 120_000)

  it('show the same, and forward to the owner what only it can do', async () => {
    const places = await trio.placed(trio.workers, counts)
    for (const worker of trio.workers) {
      expect(await worker.request('GET', '/connectors/a/tasks')).toHaveLength(1)
      for (const name of places.keys()) {
        const [connector = '', task] = name.split('-')
        const what = task === undefined ? '/restart' : `/tasks/${task}/restart`
        await worker.request('POST', `/connectors/${connector}${what}`)
      }
    }
    await trio.placed(trio.workers, counts)
  }, 120_000)

  it('accept task configs only with the signature of a worker of the group', async () => {
    const [worker] = trio.workers
    const send = async (headers: Readonly<Record<string, string>>) =>
      await fetch(`${worker?.place.rest}/connectors/a/tasks`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: '[]',
      })
    const unsigned = await send({})
    expect([unsigned.status, await unsigned.json()]).toEqual([
      400,
      { error_code: 400, message: 'Internal request missing required signature' },
    ])
    const wrong = await send({
      'X-Connect-Authorization': 'AAAA',
      'X-Connect-Request-Signature-Algorithm': 'HmacSHA256',
    })
    expect(wrong.status).toBe(403)
    expect(await worker?.request('GET', '/connectors/a/tasks')).toHaveLength(1)
  })

  it('change the offsets of a connector once its tasks have ended, wherever they ran', async () => {
    const places = await trio.placed(trio.workers, counts)
    const worker = trio.workers.find((one) => one !== places.get('a-0'))
    await worker?.request('PUT', '/connectors/a/stop')
    const reset = await worker?.request('DELETE', '/connectors/a/offsets')
    expect(reset).toMatchObject({ message: expect.stringContaining('reset successfully') })
    await worker?.request('PUT', '/connectors/a/resume')
    await eventually('the lines of a again', 60_000, async () => (trio.lines('out').length === 4000 ? true : null))
  }, 120_000)

  it('run what a killed worker ran, and lose no line', async () => {
    const victim = trio.workers[1] as WorkerProcess
    const alive = trio.workers.filter((worker) => worker !== victim)
    for (const name of ['a', 'b', 'c']) trio.write(`${name}.in`, lines(1000, 1500))
    await victim.kill()
    // The killed worker may have been the leader, which only the others' requests would still find.
    for (const worker of alive) await worker.request('POST', '/connectors/c/restart?onlyFailed=true&includeTasks=true')
    await trio.placed(alive, counts)
    for (const name of ['a', 'b', 'c']) trio.write(`${name}.in`, lines(1500, 2000))
    const expected = [...lines(0, 2000), ...lines(0, 2000), ...lines(0, 2000)].toSorted()
    const missing = (): string[] => {
      const seen = Map.groupBy(trio.lines('out'), (line) => line)
      return expected.filter((line) => (seen.get(line)?.length ?? 0) < 3)
    }
    await eventually('every line of the three files', 60_000, async () => (missing().length === 0 ? true : null))
  }, 180_000)

  it('write nothing once they were frozen for longer than their session, as others run their tasks', async () => {
    const alive = trio.workers.filter((worker) => !worker.ended)
    const [observer] = alive
    trio.write('z.in', lines(0, 100))
    await observer?.post('z', source(trio.path('z.in'), 'z'))
    const frozen = (await trio.placed(alive, { ...counts, z: 1 })).get('z-0')
    const others = alive.filter((worker) => worker !== frozen)
    const committed = async (): Promise<number> => {
      const stored = (await others[0]?.request('GET', '/connectors/z/offsets')) as StoredOffsets | undefined
      return stored?.offsets[0]?.offset.position ?? 0
    }
    await eventually('the offset of all lines', 60_000, async () => ((await committed()) === 700 ? true : null))
    process.kill(frozen?.pid ?? -1, 'SIGSTOP')
    trio.write('z.in', lines(100, 200))
    await trio.placed(others, { ...counts, z: 1 })
    await eventually('the offset of the lines after', 60_000, async () => ((await committed()) === 1400 ? true : null))
    trio.write('z.in', lines(200, 300))
    process.kill(frozen?.pid ?? -1, 'SIGCONT')
    await eventually('the offset of the last lines', 60_000, async () => ((await committed()) === 2100 ? true : null))
    // It runs something again only once it has rejoined.
    await eventually('the frozen worker to run tasks again', 60_000, async () => {
      const places = await trio.placed(alive, { ...counts, z: 1 })
      return [...places].some(([name, at]) => at === frozen && name.includes('-')) ? true : null
    })
    expect(await trio.values('z')).toEqual(lines(0, 300))
    await observer?.request('DELETE', '/connectors/z')
  }, 180_000)

  it('give a worker that joins its share, and take over that of one that stops', async () => {
    const [first] = trio.workers
    const alive = trio.workers.filter((worker) => !worker.ended)
    const joined = await trio.add()
    await eventually('the new worker to run two tasks', 60_000, async () => {
      const places = await trio.placed([...alive, joined], counts)
      const held = [...places].filter(([name, at]) => at === joined && name.includes('-'))
      return held.length === 2 ? true : null
    })
    expect(await first?.stop()).toBe(0)
    await trio.placed(
      [...alive, joined].filter((worker) => worker !== first),
      counts,
    )
  }, 180_000)

  it('run no task of a connector that is deleted, and that of one that is created at once under its name', async () => {
    const alive = trio.workers.filter((worker) => !worker.ended)
    const [worker] = alive
    for (let i = 0; i < 5; i += 1) {
      await worker?.request('DELETE', '/connectors/b')
      await worker?.post('b', { ...source(trio.path('b.in'), `b${i}`), name: 'b' })
    }
    const places = await trio.placed(alive, counts)
    expect(places.get('b-0')).toBeDefined()
    expect(await worker?.request('GET', '/connectors/b/tasks')).toMatchObject([{ config: { topic: 'b4' } }])
  }, 180_000)
})
