import type { TopicPartition } from '../../../../../src/foundation/topic-partition.ts'
import { describe, expect, it, vi } from 'vitest'

import type { Converter } from '../../../../../src/api/converter.ts'
import { DataError, RetriableError } from '../../../../../src/api/errors.ts'
import type { SinkRecord } from '../../../../../src/api/record.ts'
import type { DurableOffset, OffsetToCommit, SinkTask, SinkTaskContext } from '../../../../../src/api/task.ts'
import { present } from '../../../../../src/foundation/assert.ts'
import { Meters } from '../../../../../src/foundation/metrics/meters.ts'
import { SinkTaskLoop } from '../../../../../src/runtime/task-thread/sink/sink-task-loop.ts'
import { TaskControl } from '../../../../../src/runtime/task-thread/task-control.ts'
import type { TransformStep } from '../../../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { MemoryConsumer } from '../../../../support/task/memory-consumer.ts'
import { quietLogger } from '../../../../support/quiet-logger.ts'
import { testRun } from '../../../../support/task/test-run.ts'
import { SkippingClock } from '../../../../support/skipping-clock.ts'
import { until, untilPasses } from '../../../../support/until.ts'

const text: Converter = {
  fromConnect: () => null,
  toConnect: (_topic, bytes) => {
    const value = bytes === null ? null : Buffer.from(bytes).toString()
    if (value === 'garbage') throw new DataError('no JSON')
    return { schema: null, value }
  },
}
const header = { fromConnectHeader: () => null, toConnectHeader: () => ({ schema: null, value: null }) }
const p0 = { topic: 't', partition: 0 }
const p1 = { topic: 't', partition: 1 }

/** Long enough that only a test's own clock brings them about. */
const flushTimeoutMs = 70_000
const endTimeoutMs = 400_000

/** A target in memory. What was put is durable at once, or after `flush` when `buffering`. */
class MemoryTarget implements SinkTask {
  readonly calls: string[] = []
  readonly values: string[] = []
  buffering = false
  proves = false
  /** What every batch is refused with while it is set. */
  down: Error | null = null
  hang: Promise<void> | null = null
  /** What the first start shows that it waits for, and fails with. */
  startWaits: string | null = null
  context: SinkTaskContext | null = null
  /** Called in `open`. */
  onOpen: () => void = () => undefined
  #durable = new Map<string, OffsetToCommit>()
  #pending = new Map<string, OffsetToCommit>()
  #inside = false

  get inside(): boolean {
    return this.#inside
  }

  async start(context: SinkTaskContext): Promise<void> {
    this.context = context
    const { startWaits } = this
    if (startWaits === null) return
    this.startWaits = null
    context.showWaiting?.(startWaits)
    throw new RetriableError(startWaits)
  }

  async open(partitions: readonly OffsetToCommit[]): Promise<void> {
    this.onOpen()
    this.calls.push(
      `open ${partitions.map(({ topic, partition, offset }) => `${topic}-${partition}@${offset}`).join()}`,
    )
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    if (this.#inside) throw new DataError('calls overlap')
    this.#inside = true
    try {
      await this.hang
      if (records.length > 0 && this.down !== null) throw this.down
      for (const { value, originalTopic: topic, originalPartition: partition, originalOffset } of records) {
        this.values.push(String(value))
        this.#pending.set(`${topic}-${partition}`, { topic, partition, offset: originalOffset + 1 })
      }
      if (!this.buffering) await this.flush()
    } finally {
      this.#inside = false
    }
  }

  async preCommit(): Promise<readonly DurableOffset[]> {
    if (this.#inside) throw new DataError('calls overlap')
    this.calls.push('preCommit')
    const { proves: asProof } = this
    return [...this.#durable.values()].map(({ topic, partition, offset }) => ({ topic, partition, offset, asProof }))
  }

  async flush(): Promise<void> {
    for (const [name, offset] of this.#pending) this.#durable.set(name, offset)
    this.#pending.clear()
  }

  async close(partitions: readonly TopicPartition[]): Promise<void> {
    this.calls.push(`close ${partitions.map(({ topic, partition }) => `${topic}-${partition}`).join()}`)
    for (const { topic, partition } of partitions) {
      this.#durable.delete(`${topic}-${partition}`)
      this.#pending.delete(`${topic}-${partition}`)
    }
  }

  async stop(): Promise<void> {
    this.calls.push('stop')
  }
}

function host(
  options: {
    startWaits?: string
    transforms?: readonly TransformStep[]
    commitIntervalMs?: number
    flushTimeoutMs?: number
    mayWrite?: () => boolean
  } = {},
) {
  const clock = new SkippingClock()
  const task = new MemoryTarget()
  task.startWaits = options.startWaits ?? null
  const consumer = new MemoryConsumer()
  const control = new TaskControl(false)
  const states: string[] = []
  const topics: string[] = []
  const logger = quietLogger()
  const loop = new SinkTaskLoop({
    createTask: () => task,
    context: { connector: 'c', task: 0, config: {}, raw: {}, logger, clock, metrics: new Meters() },
    transforms: options.transforms ?? [],
    converters: { key: text, value: text, header },
    consumer,
    subscription: { topics: ['t'] },
    clusterId: null,
    readRange: async () => undefined,
    control,
    mayWrite: options.mayWrite ?? (() => true),
    run: testRun,
    listener: {
      onTaskState: (_run: unknown, state, trace) =>
        states.push(trace === null ? state : `${state}: ${trace.split('\n')[0] ?? ''}`),
      onTaskTopic: (_run: unknown, topic) => topics.push(topic),
    },
    commitIntervalMs: options.commitIntervalMs ?? 60_000,
    flushTimeoutMs: options.flushTimeoutMs ?? flushTimeoutMs,
    endTimeoutMs,
  })
  return { clock, task, consumer, control, states, topics, logger, ended: loop.run() }
}

describe('the loop of a sink task', () => {
  it('opens partitions, puts their records and commits what is durable at its end', async () => {
    const { task, consumer, control, topics, ended } = host()
    consumer.append('t', 0, 'a', 'b')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a', 'b']))
    control.stop()
    await ended
    expect(consumer.committed.get('t-0')).toBe(2)
    expect(task.calls).toEqual(['open t-0@0', 'preCommit', 'close t-0', 'stop'])
    expect(topics).toEqual(['t'])
    expect(consumer.closed).toBe(true)
  })

  it('commits the records of a put that was running when the task was stopped, once it has returned', async () => {
    const { task, consumer, control, ended } = host()
    const put = Promise.withResolvers<void>()
    task.hang = put.promise
    consumer.append('t', 0, 'a', 'b')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.inside).toBe(true))
    control.stop()
    put.resolve()
    await ended
    expect(task.values).toEqual(['a', 'b'])
    expect(consumer.committed.get('t-0')).toBe(2)
  })

  it('shows a put that does not return, because nothing is polled meanwhile', async () => {
    const { clock, task, consumer, control, states, ended } = host()
    const put = Promise.withResolvers<void>()
    task.hang = put.promise
    consumer.append('t', 0, 'a')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.inside && clock.isWaiting(30_000)).toBe(true))
    const since = new Date(clock.now()).toISOString().slice(0, 10)
    clock.skip(30_000)
    await untilPasses(() => expect(states.at(-1)).toContain(`RUNNING: PUT_WAITS: put has not returned since ${since}`))
    task.hang = null
    put.resolve()
    await untilPasses(() => expect(states.at(-1)).toBe('RUNNING'))
    expect(task.values).toEqual(['a'])
    control.stop()
    await ended
  })

  it('shows nothing any more of what an instance waited for that did not start', async () => {
    const { control, states, ended } = host({ startWaits: 'the target is away' })
    await untilPasses(() => expect(states.at(-1)).toBe('RUNNING'))
    expect(states).toContain('RESTARTING: start failed and is retried: RetriableError: the target is away')
    control.stop()
    await ended
  })

  it('commits at the interval, and only what changed', async () => {
    const { task, consumer, control, ended } = host({ commitIntervalMs: 15 })
    consumer.append('t', 0, 'a')
    await consumer.assign(p0)
    await untilPasses(() => expect(consumer.commits).toEqual([[{ ...p0, offset: 1 }]]))
    const before = task.calls.length
    await untilPasses(() => expect(task.calls.length).toBeGreaterThan(before + 2))
    expect(consumer.commits).toHaveLength(1)
    control.stop()
    await ended
  })

  it('commits again what the group has when the task wants a proof that it holds the partition', async () => {
    const { task, consumer, control, ended } = host({ commitIntervalMs: 15 })
    consumer.append('t', 0, 'a')
    await consumer.assign(p0)
    await untilPasses(() => expect(consumer.commits).toHaveLength(1))
    task.proves = true
    await untilPasses(() =>
      expect(consumer.commits.slice(1, 3)).toEqual([[{ ...p0, offset: 1 }], [{ ...p0, offset: 1 }]]),
    )
    control.stop()
    await ended
  })

  it('commits soon after the task asks for it', async () => {
    const { task, consumer, control, ended } = host()
    consumer.append('t', 0, 'a')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a']))
    expect(consumer.commits).toEqual([])
    present(task.context, 'context').requestCommit()
    await untilPasses(() => expect(consumer.committed.get('t-0')).toBe(1))
    control.stop()
    await ended
  })

  it('gives the same records again after a retriable failure, polling on with everything held back (I7)', async () => {
    const { task, consumer, control, ended } = host()
    task.down = new RetriableError('down')
    consumer.append('t', 0, 'a', 'b')
    await consumer.assign(p0)
    await untilPasses(() => expect(consumer.paused.has('t-0')).toBe(true))
    consumer.append('t', 0, 'c')
    const { polls } = consumer
    await untilPasses(() => expect(consumer.polls).toBeGreaterThan(polls + 1))
    expect(task.values).toEqual([])
    task.down = null
    await untilPasses(() => expect(task.values).toEqual(['a', 'b', 'c']))
    expect(consumer.paused.size).toBe(0)
    control.stop()
    await ended
    expect(consumer.committed.get('t-0')).toBe(3)
  })

  it('puts nothing while its worker may not act upon its assignment, says why, and loses nothing', async () => {
    let may = false
    const { task, consumer, control, ended, states } = host({ mayWrite: () => may })
    consumer.append('t', 0, 'a', 'b')
    await consumer.assign(p0)
    await untilPasses(() => expect(states.join()).toContain('WORKER_CUT_OFF'))
    expect(task.values).toEqual([])
    may = true
    await untilPasses(() => expect(task.values).toEqual(['a', 'b']))
    control.stop()
    await ended
    expect(consumer.committed.get('t-0')).toBe(2)
  })

  it('makes durable and commits what it put before partitions move on (I1)', async () => {
    const { task, consumer, control, ended } = host()
    task.buffering = true
    consumer.append('t', 0, 'a')
    consumer.append('t', 1, 'x')
    await consumer.assign(p0, p1)
    await untilPasses(() => expect(task.values).toEqual(['a', 'x']))
    await consumer.revoke(p1)
    expect(consumer.committed.get('t-1')).toBe(1)
    expect(task.calls).toContain('close t-1')
    expect(task.calls).not.toContain('close t-0')
    control.stop()
    await ended
  })

  it('drops the kept records of a partition that is revoked while the target is down', async () => {
    const { task, consumer, control, ended } = host()
    task.down = new RetriableError('down')
    consumer.append('t', 0, 'a')
    consumer.append('t', 1, 'x')
    await consumer.assign(p0, p1)
    await untilPasses(() => expect(consumer.paused.size).toBe(2))
    await consumer.revoke(p1)
    task.down = null
    await untilPasses(() => expect(task.values).toEqual(['a']))
    control.stop()
    await ended
    expect(consumer.committed.has('t-1')).toBe(false)
  })

  it('moves offsets past records that a transform dropped', async () => {
    const drop: TransformStep = {
      alias: 'drop',
      transform: { apply: (r) => (r.value === 'b' ? null : r) },
      predicate: null,
      negate: false,
    }
    const { task, consumer, control, ended } = host({ transforms: [drop] })
    vi.spyOn(task, 'preCommit').mockImplementation(async () => [{ ...p0, offset: 2 }])
    consumer.append('t', 0, 'a', 'b')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a']))
    control.stop()
    await ended
    expect(consumer.committed.get('t-0')).toBe(2)
  })

  it('moves offsets past what holds no record at the end of a log, but not while a batch is refused', async () => {
    const { clock, task, consumer, control, ended } = host({ commitIntervalMs: 15 })
    const preCommit = vi.spyOn(task, 'preCommit')
    const told = (): unknown => preCommit.mock.lastCall
    consumer.append('t', 0, 'a', 'b')
    consumer.passed.set('t-0', 5)
    task.down = new RetriableError('away')
    await consumer.assign(p0)
    await untilPasses(() => expect(preCommit.mock.calls.length).toBeGreaterThan(2))
    expect(told()).toEqual([[{ ...p0, offset: 0 }]])
    task.down = null
    clock.skip(60_000)
    await untilPasses(() => expect(told()).toEqual([[{ ...p0, offset: 5 }]]))
    consumer.passed.set('t-0', 7)
    await untilPasses(() => expect(told()).toEqual([[{ ...p0, offset: 7 }]]))
    control.stop()
    await ended
  })

  it('refuses to commit past what was put, and says so', async () => {
    const { task, consumer, control, logger, ended } = host()
    vi.spyOn(task, 'preCommit').mockImplementation(async () => [{ ...p0, offset: 99 }])
    consumer.append('t', 0, 'a')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a']))
    control.stop()
    await ended
    expect(consumer.commits).toEqual([])
    expect(logger.lines.map(({ message }) => message).join()).toContain('offset 99 of t-0 is not committed')
  })

  it('reads again from where the task seeks to', async () => {
    const { task, consumer, control, ended } = host()
    consumer.append('t', 0, 'a', 'b')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a', 'b']))
    present(task.context, 'context').seek([{ ...p0, offset: 1 }])
    await untilPasses(() => expect(task.values).toEqual(['a', 'b', 'b']))
    control.stop()
    await ended
  })

  it('takes nothing from where the task seeks to for delivered, also when it commits in the same turn', async () => {
    const { task, consumer, control, ended } = host()
    consumer.append('t', 0, 'a', 'b')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a', 'b']))
    const context = present(task.context, 'context')
    const preCommit = vi.spyOn(task, 'preCommit')
    vi.spyOn(task, 'put').mockImplementationOnce(async () => {
      context.seek([{ ...p0, offset: 1 }])
      context.requestCommit()
    })
    consumer.append('t', 0, 'c')
    await untilPasses(() => expect(task.values).toEqual(['a', 'b', 'b', 'c']))
    expect(preCommit.mock.calls[0]).toEqual([[{ ...p0, offset: 1 }]])
    control.stop()
    await ended
  })

  it('does not offer what lies behind a seek to be committed: it was delivered, and is to be delivered again', async () => {
    const { task, consumer, control, ended } = host()
    consumer.append('t', 0, 'a', 'b')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a', 'b']))
    const context = present(task.context, 'context')
    const preCommit = vi.spyOn(task, 'preCommit')
    // Nothing is read again before the commit.
    context.pause([p0])
    context.seek([{ ...p0, offset: 0 }])
    const polls = consumer.polls
    await untilPasses(() => expect(consumer.polls).toBeGreaterThan(polls + 1))
    context.requestCommit()
    await untilPasses(() => expect(preCommit.mock.calls).toEqual([[[{ ...p0, offset: 0 }]]]))
    context.resume([p0])
    await untilPasses(() => expect(task.values).toEqual(['a', 'b', 'a', 'b']))
    control.stop()
    await ended
  })

  it('calls put by the time the task wants to be woken', async () => {
    const { task, consumer, control, ended } = host()
    await consumer.assign(p0)
    const context = present(task.context, 'context')
    const put = vi.spyOn(task, 'put')
    context.wakeWithin(5)
    await untilPasses(() => expect(put).toHaveBeenCalledWith([]))
    control.stop()
    await ended
  })

  it('shows that a topic does not exist once that has lasted, and no more when it does', async () => {
    const { clock, consumer, control, states, ended } = host({ commitIntervalMs: 15 })
    const turns = async (): Promise<void> => {
      const before = consumer.polls
      await untilPasses(() => expect(consumer.polls).toBeGreaterThan(before + 2))
    }
    consumer.absent = 'the cluster has no topic t'
    await turns()
    clock.skip(10_000)
    await turns()
    expect(states).toEqual(['RUNNING'])
    clock.skip(10_000)
    await untilPasses(() =>
      expect(states).toEqual([
        'RUNNING',
        expect.stringMatching(/^RUNNING: TOPIC_MISSING: the cluster has no topic t\./),
      ]),
    )
    consumer.absent = null
    clock.skip(10_000)
    await untilPasses(() => expect(states).toEqual(['RUNNING', expect.anything(), 'RUNNING']))
    consumer.absent = 'no topic matches t.*'
    clock.skip(30_000)
    await turns()
    clock.skip(10_000)
    await untilPasses(() => expect(states.at(-1)).toMatch(/TOPIC_MISSING: no topic matches/))
    control.stop()
    await ended
  })

  it('fails with topic, partition and offset when a record does not decode (I7)', async () => {
    const { consumer, task, ended } = host()
    consumer.append('t', 0, 'a', 'garbage')
    await Promise.all([
      consumer.assign(p0),
      expect(ended).rejects.toMatchObject({
        stage: 'VALUE_CONVERTER',
        topicPartition: 't-0',
        message: 'the value of the record t-0@1 does not decode: no JSON',
      }),
    ])
    expect(task.calls).toContain('stop')
  })

  it('fails with what the task raises from outside a call, although put hangs', async () => {
    const { clock, consumer, task, logger, ended } = host()
    task.hang = new Promise(() => undefined)
    consumer.append('t', 0, 'a')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.inside).toBe(true))
    present(task.context, 'context').raiseError(new DataError('bulk refused'))
    await until('the end to wait for put', () => clock.isWaiting(flushTimeoutMs))
    clock.skip(flushTimeoutMs)
    await expect(ended).rejects.toThrow('bulk refused')
    expect(consumer.commits).toEqual([])
    expect(logger.lines.map(({ message }) => message).join()).toContain('although put has not returned')
  })

  it('fails when the consumer does', async () => {
    const { consumer, ended } = host()
    consumer.failure = new DataError('offset 5 of t-0 is out of range')
    await expect(ended).rejects.toThrow('out of range')
  })

  it('commits at its end what is durable, also when the rest cannot be flushed in time', async () => {
    const { clock, task, consumer, control, ended, logger } = host({ flushTimeoutMs: 2 * endTimeoutMs })
    consumer.append('t', 0, 'a')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a']))
    task.flush = async () => {
      clock.skip(endTimeoutMs * 0.75)
      await new Promise(() => undefined)
    }
    const commit = consumer.commit.bind(consumer)
    consumer.commit = async (offsets) => {
      clock.skip(endTimeoutMs * 0.1)
      await commit(offsets)
    }
    control.stop()
    await ended
    expect(consumer.committed.get('t-0')).toBe(1)
    expect(logger.lines.map(({ message }) => message).join()).toMatch(/delivered again: timed out after \d+ ms/)
  })

  it('ends although its task cannot stop and its consumer cannot leave the group, and logs both', async () => {
    const { task, consumer, control, ended, logger } = host()
    await consumer.assign(p0)
    task.stop = async () => {
      throw new DataError('the target does not respond')
    }
    consumer.close = async () => {
      throw new DataError('no coordinator')
    }
    control.stop()
    await ended
    expect(logger.lines.flatMap(({ level, message }) => (level === 'warn' ? message : []))).toEqual([
      "the task's stop failed: the target does not respond",
      'the consumer did not leave its group gracefully: no coordinator',
    ])
  })

  it('holds everything back in a pause, commits, and continues after', async () => {
    const { task, consumer, control, states, ended } = host()
    consumer.append('t', 0, 'a')
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a']))
    control.pause()
    await untilPasses(() => expect(consumer.committed.get('t-0')).toBe(1))
    expect(states).toEqual(['RUNNING', 'PAUSED'])
    consumer.append('t', 0, 'b')
    control.resume()
    await untilPasses(() => expect(task.values).toEqual(['a', 'b']))
    control.stop()
    await ended
  })

  it('reads partitions that were opened during a pause, although it was taken back right after', async () => {
    const { task, consumer, control, ended } = host()
    consumer.append('t', 0, 'a')
    task.onOpen = () => control.pause()
    const pause = consumer.pause.bind(consumer)
    consumer.pause = (partitions) => {
      pause(partitions)
      control.resume()
    }
    await consumer.assign(p0)
    await untilPasses(() => expect(task.values).toEqual(['a']))
    consumer.append('t', 0, 'b')
    await untilPasses(() => expect(task.values).toEqual(['a', 'b']))
    control.stop()
    await ended
  })
})
