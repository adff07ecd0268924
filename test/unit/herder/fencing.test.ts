import { describe, expect, it } from 'vitest'

import { NotFoundError } from '../../../src/api/errors.ts'
import { BadRequestError, ForbiddenError, NotLeaderError } from '../../../src/herder/herder-errors.ts'
import { herd, signal } from '../../support/rest/herder-harness.ts'

/** Of a client that has authenticated, in a group whose requests are not signed. */
const trusted = { signature: null, algorithm: null, body: '', isTrusted: true }
const sink = 'org.apache.kafka.connect.file.FileStreamSinkConnector'

/** A herder that runs the source `a`, for which other workers ask for fencing. */
async function fencing() {
  const stage = await herd()
  await stage.running()
  const { herder, configs, worker } = stage
  return {
    ...stage,
    fence: async (): Promise<readonly string[]> => {
      worker.calls.length = 0
      await herder.fenceZombies('a', trusted, signal)
      return worker.calls.filter((call) => call.startsWith('fence'))
    },
    /** The connector has another set of tasks. */
    tasks: async (count: number): Promise<void> => {
      const records = Array.from(
        { length: count },
        (_, task) => ({ type: 'task', connector: 'a', task, config: {} }) as const,
      )
      await configs.append(...records, { type: 'commit', connector: 'a', tasks: count })
    },
    counts: (): readonly (number | null)[] =>
      configs.records.flatMap((record) => (record.type === 'tasks-fencing' ? [record.tasks] : [])),
  }
}

describe('the fencing of the tasks of a source', () => {
  it('writes the number of tasks once for each set of tasks', async () => {
    const { fence, counts } = await fencing()
    expect(await fence()).toEqual([])
    expect(await fence()).toEqual([])
    expect(counts()).toEqual([1])
  })

  it('fences as many tasks as there were at the last fencing', async () => {
    const { fence, tasks, counts } = await fencing()
    await fence()
    await tasks(3)
    expect(await fence()).toEqual(['fence 1 tasks of a'])
    await tasks(2)
    expect(await fence()).toEqual(['fence 3 tasks of a'])
    expect(counts()).toEqual([1, 3, 2])
  })

  it('leaves it to the task when one follows one', async () => {
    const { fence, tasks, counts } = await fencing()
    await fence()
    await tasks(1)
    expect(await fence()).toEqual([])
    expect(counts()).toEqual([1, 1])
  })

  it('writes no number when the tasks could not be fenced', async () => {
    const { herder, fence, tasks, counts, worker } = await fencing()
    await fence()
    await tasks(2)
    worker.holds.set('fence 1 tasks of a', Promise.reject(new Error('the broker is gone')))
    await expect(herder.fenceZombies('a', trusted, signal)).rejects.toThrow('the broker is gone')
    expect(counts()).toEqual([1])
  })

  it('rejects a connector that does not exist, a sink, a stranger, and a worker that does not lead', async () => {
    const { herder } = await fencing()
    await expect(herder.fenceZombies('x', trusted, signal)).rejects.toThrow(new NotFoundError('Connector x not found'))
    await herder.createConnector('s', { 'connector.class': sink, name: 's', topics: 't' }, null, signal)
    const refused = herder.fenceZombies('s', trusted, signal)
    await expect(refused).rejects.toThrow(new BadRequestError('Connector s is not a source connector'))
    const stranger = { ...trusted, isTrusted: false }
    await expect(herder.fenceZombies('a', stranger, signal)).rejects.toThrow(ForbiddenError)
    const follower = await herd({ isLeader: false })
    await expect(follower.herder.fenceZombies('a', trusted, signal)).rejects.toThrow(NotLeaderError)
  })
})
