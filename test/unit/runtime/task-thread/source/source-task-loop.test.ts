import { describe, expect, it } from 'vitest'

import type { Converter } from '../../../../../src/api/converter.ts'
import { DataError, RetriableError } from '../../../../../src/api/errors.ts'
import { noHeaders, type SourceRecord } from '../../../../../src/api/record.ts'
import type { CommittedSourceOffset, SourceTask, SourceTaskContext } from '../../../../../src/api/task.ts'
import { deferred, type Deferred } from '../../../../../src/foundation/async/deferred.ts'
import { Meters } from '../../../../../src/foundation/metrics/meters.ts'
import { RecordEncoder } from '../../../../../src/runtime/task-thread/conversion/record-encoder.ts'
import { SourceTaskLoop } from '../../../../../src/runtime/task-thread/source/source-task-loop.ts'
import type { PrepareTopic } from '../../../../../src/runtime/task-thread/source/topic-creation.ts'
import { TaskControl } from '../../../../../src/runtime/task-thread/task-control.ts'
import type { TransformStep } from '../../../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'
import { MemoryProducer } from '../../../../support/task/memory-producer.ts'
import { quietLogger } from '../../../../support/quiet-logger.ts'
import { testRun } from '../../../../support/task/test-run.ts'
import { untilPasses } from '../../../../support/until.ts'

const partition = { file: 'a' }
const text: Converter = {
  fromConnect: (_topic, _schema, value) => {
    if (value === 'bad') throw new DataError('it is bad')
    return typeof value === 'string' ? Buffer.from(value) : null
  },
  toConnect: () => ({ schema: null, value: null }),
}
const encoder = (): RecordEncoder =>
  new RecordEncoder({
    key: text,
    value: text,
    header: { fromConnectHeader: () => null, toConnectHeader: () => ({ schema: null, value: null }) },
  })

function record(position: number, value = `v${position}`): SourceRecord {
  return {
    topic: 't',
    partition: null,
    keySchema: null,
    key: null,
    valueSchema: null,
    value,
    timestamp: null,
    headers: noHeaders,
    sourcePartition: partition,
    sourceOffset: { position },
  }
}

/** A source that hands out what the test gives it. */
class ScriptedTask implements SourceTask {
  readonly commits: (readonly CommittedSourceOffset[])[] = []
  readonly starts: number[] = []
  stopped = 0
  polls = 0
  context: SourceTaskContext | null = null
  #batches: (readonly SourceRecord[] | Error)[] = []
  #arrival: Deferred<void> | null = null
  startError: Error | null = null

  give(...batches: (readonly SourceRecord[] | Error)[]): void {
    this.#batches.push(...batches)
    this.#arrival?.resolve()
  }

  async start(context: SourceTaskContext): Promise<void> {
    this.context = context
    this.starts.push(1)
    const error = this.startError
    this.startError = null
    if (error !== null) throw error
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    this.polls += 1
    if (this.#batches.length === 0) {
      this.#arrival = deferred<void>()
      const arrival = this.#arrival
      signal.addEventListener('abort', () => arrival.resolve(), { once: true })
      if (!signal.aborted) await arrival.promise
    }
    const batch = this.#batches.shift()
    if (batch instanceof Error) throw batch
    return batch ?? null
  }

  async commit(offsets: readonly CommittedSourceOffset[]): Promise<void> {
    this.commits.push(offsets)
  }

  async stop(): Promise<void> {
    this.stopped += 1
  }
}

/** Reads its offsets before it has started, as most sources do. */
class ReadingTask extends ScriptedTask {
  override async start(context: SourceTaskContext): Promise<void> {
    await super.start(context)
    await context.readOffsets([partition])
  }
}

interface HostOptions {
  readonly task?: ScriptedTask
  readonly transforms?: readonly TransformStep[]
  readonly paused?: boolean
  readonly prepareTopic?: PrepareTopic
  readonly readOffsets?: SourceTaskContext['readOffsets']
}

function host(options: HostOptions = {}) {
  const clock = new ManualClock()
  const task = options.task ?? new ScriptedTask()
  const producer = new MemoryProducer()
  const control = new TaskControl(options.paused ?? false)
  const states: string[] = []
  const topics: string[] = []
  const logger = quietLogger()
  const loop = new SourceTaskLoop({
    createTask: () => task,
    context: {
      connector: 'c',
      task: 0,
      config: {},
      raw: {},
      logger,
      clock,
      metrics: new Meters(),
      readOffsets: options.readOffsets ?? (async () => []),
      greatestHeader: async () => null,
    },
    transforms: options.transforms ?? [],
    encoder: encoder(),
    createProducer: (listener) => producer.reportingTo(listener),
    prepareTopic: options.prepareTopic ?? null,
    offsetTopic: 'offsets',
    offsetRecord: ({ offset }) => ({
      topic: 'offsets',
      partition: null,
      key: null,
      value: Buffer.from(String(offset['position'])),
      headers: [],
      timestamp: null,
    }),
    control,
    run: testRun,
    listener: {
      onTaskState: (_run: unknown, state, trace) =>
        states.push(trace === null ? state : `${state}: ${trace.split('\n')[0] ?? ''}`),
      onTaskTopic: (_run: unknown, topic) => topics.push(topic),
    },
    flushTimeoutMs: 5000,
    endTimeoutMs: 5000,
  })
  const written = (topic: string): string[] =>
    producer.appended.filter((entry) => entry.record.topic === topic).map((entry) => String(entry.record.value))
  return { clock, task, producer, control, states, topics, logger, written, ended: loop.run() }
}

describe('the loop of a source task', () => {
  it('writes the offset behind the acknowledged records, and confirms it once that record is acknowledged', async () => {
    const { task, producer, control, written, ended } = host()
    task.give([record(1), record(2)])
    await untilPasses(() => expect(written('t')).toEqual(['v1', 'v2']))
    expect(written('offsets')).toEqual([])
    producer.acknowledge(2)
    expect(written('offsets')).toEqual(['2'])
    expect(task.commits).toEqual([])
    producer.acknowledge(1)
    await untilPasses(() => expect(task.commits).toEqual([[{ partition, offset: { position: 2 } }]]))
    control.stop()
    await ended
    expect(task.stopped).toBe(1)
    expect(producer.closed).toBe(true)
  })

  it('writes offsets at most every 100 ms', async () => {
    const { clock, task, producer, control, written, ended } = host()
    producer.automatic = true
    task.give([record(1)])
    await untilPasses(() => expect(task.commits).toHaveLength(1))
    for (const position of [2, 3, 4]) task.give([record(position)])
    await untilPasses(() => expect(written('t')).toHaveLength(4))
    await untilPasses(() => expect(producer.unacknowledged).toBe(0))
    expect(written('offsets')).toEqual(['1'])
    clock.advance(100)
    await untilPasses(() => expect(written('offsets')).toEqual(['1', '4']))
    control.stop()
    await ended
  })

  it('creates the topic that a record has after the transforms, and tries until the log lets it', async () => {
    const asked: string[] = []
    const prepareTopic = async (topic: string): Promise<void> => {
      asked.push(topic)
      if (asked.length === 1) throw new RetriableError('no broker')
    }
    const renames: TransformStep = {
      alias: 'route',
      transform: { apply: (record) => ({ ...record, topic: `to-${record.topic}` }) },
      predicate: null,
      negate: false,
    }
    const { clock, task, producer, control, states, written, ended } = host({ prepareTopic, transforms: [renames] })
    producer.automatic = true
    task.give([record(1), record(2)])
    await untilPasses(() => expect(clock.pending).toBe(1))
    expect(states).toEqual(['RUNNING', 'RUNNING: topic creation failed and is retried: RetriableError: no broker'])
    clock.advance(30_000)
    await untilPasses(() => expect(written('to-t')).toEqual(['v1', 'v2']))
    expect(asked).toEqual(['to-t', 'to-t'])
    expect(states.at(-1)).toBe('RUNNING')
    control.stop()
    await ended
  })

  it('shows offsets that the log refuses, since when and why, and stores them when it takes them; records flow meanwhile', async () => {
    const { clock, task, producer, control, states, written, ended } = host()
    producer.automatic = true
    producer.refuse = ({ topic }) => (topic === 'offsets' ? new RangeError('the record is too large') : null)
    task.give([record(1)])
    await untilPasses(() => expect(written('t')).toEqual(['v1']))
    await untilPasses(() => expect(clock.pending).toBe(2))
    clock.advance(3000)
    expect(states.at(-1)).toMatch(
      /^RUNNING: OFFSETS_NOT_STORED: the offsets of this source have not been stored in topic offsets since .*: the record is too large\./,
    )
    task.give([record(2)])
    await untilPasses(() => expect(written('t')).toEqual(['v1', 'v2']))
    expect(task.commits).toEqual([])
    producer.refuse = null
    clock.advance(10_000)
    await untilPasses(() => expect(task.commits).toEqual([[{ partition, offset: { position: 2 } }]]))
    expect(states.at(-1)).toBe('RUNNING')
    control.stop()
    await ended
  })

  it('shows offsets that the log does not take for 3 s, with the failures of the tries, by tens', async () => {
    const { clock, task, producer, control, states, ended } = host()
    task.give([record(1)])
    await untilPasses(() => expect(producer.unacknowledged).toBe(1))
    producer.acknowledge(1)
    producer.listener.onRetried?.('t', new Error('of a record'))
    for (let i = 0; i < 9; i += 1) producer.listener.onRetried?.('offsets', new Error('no topic offsets'))
    clock.advance(3000)
    expect(states.at(-1)).toMatch(/OFFSETS_NOT_STORED: .*: no topic offsets\. /)
    producer.listener.onRetried?.('offsets', new Error('refused'))
    expect(states.at(-1)).toMatch(/: no topic offsets \(10 attempts failed, or more\)\. /)
    producer.acknowledge(1)
    await untilPasses(() => expect(states.at(-1)).toBe('RUNNING'))
    control.stop()
    await ended
  })

  it('shows offsets that the log does not take again only once that has lasted 3 s, as the first time', async () => {
    const { clock, task, producer, control, states, ended } = host()
    const writeRecord = async (position: number): Promise<void> => {
      task.give([record(position)])
      await untilPasses(() => expect(producer.unacknowledged).toBe(1))
      producer.acknowledge(1)
      await untilPasses(() => expect(producer.unacknowledged).toBe(1))
    }
    await writeRecord(1)
    clock.advance(3000)
    expect(states.at(-1)).toMatch(/OFFSETS_NOT_STORED: .*: the broker has not responded yet\. /)
    producer.acknowledge(1)
    await untilPasses(() => expect(states.at(-1)).toBe('RUNNING'))
    clock.advance(60_000)
    await writeRecord(2)
    producer.listener.onRetried?.('offsets', new Error('no leader'))
    expect(states.at(-1)).toBe('RUNNING')
    clock.advance(3000)
    expect(states.at(-1)).toMatch(/OFFSETS_NOT_STORED: .*: no leader\. /)
    producer.automatic = true
    producer.acknowledge(1)
    control.stop()
    await ended
  })

  it('fails the task for a batch of records, not for one of offsets (I7)', async () => {
    const { clock, task, producer, control, states, ended } = host()
    task.give([record(1)])
    await untilPasses(() => expect(producer.unacknowledged).toBe(1))
    producer.acknowledge(1)
    producer.fail(new Error('max.message.bytes'))
    clock.advance(3000)
    expect(states.at(-1)).toMatch(/OFFSETS_NOT_STORED: .*max\.message\.bytes/)
    expect(control.failure).toBeNull()
    producer.automatic = true
    control.stop()
    await ended
  })

  it('waits for its stored offsets, and shows it', async () => {
    let isAway = true
    const { clock, control, states, ended } = host({
      task: new ReadingTask(),
      readOffsets: async () => {
        if (isAway) throw new RetriableError('topic offsets cannot be read')
        return [{ position: 7 }]
      },
    })
    await untilPasses(() => expect(clock.pending).toBe(1))
    expect(states.at(-1)).toMatch(
      /^RESTARTING: OFFSETS_UNREAD: the task has waited for its stored offsets since .*: topic offsets cannot be read/,
    )
    isAway = false
    clock.advance(10_000)
    await untilPasses(() => expect(states.at(-1)).toBe('RUNNING'))
    control.stop()
    await ended
  })

  it('calls poll again after a retriable failure, once the back-off is over', async () => {
    const { clock, task, producer, control, states, written, ended, logger } = host()
    producer.automatic = true
    task.give(new RetriableError('the source is away'), [record(1)])
    await untilPasses(() => expect(clock.pending).toBe(1))
    expect(logger.lines.map(({ message }) => message).join()).toContain('the source is away')
    expect(states).toEqual(['RUNNING', 'RUNNING: poll failed and is retried: RetriableError: the source is away'])
    clock.advance(30_000)
    await untilPasses(() => expect(written('t')).toEqual(['v1']))
    expect(states.slice(2)).toEqual(['RUNNING'])
    control.stop()
    await ended
  })

  it('is not shown as failing any more once poll has reached its source, though no record comes', async () => {
    const { clock, task, control, states, ended } = host()
    task.give(new RetriableError('the source is away'))
    await untilPasses(() => expect(clock.pending).toBe(1))
    clock.advance(30_000)
    await untilPasses(() => expect(task.polls).toBe(2))
    task.context?.recovered?.()
    expect(states.slice(1)).toEqual([
      'RUNNING: poll failed and is retried: RetriableError: the source is away',
      'RUNNING',
    ])
    control.stop()
    await ended
  })

  it('does not show a poll as retried while it is paused', async () => {
    const { clock, task, control, states, ended } = host()
    task.give(new RetriableError('the source is away'))
    await untilPasses(() => expect(clock.pending).toBe(1))
    control.pause()
    clock.advance(30_000)
    await untilPasses(() => expect(states.at(-1)).toBe('PAUSED'))
    control.stop()
    await ended
  })

  it('starts a fresh task again after a retriable failure of start', async () => {
    const { clock, task, control, states, ended } = host()
    task.startError = new RetriableError('not yet')
    await untilPasses(() => expect(clock.pending).toBe(1))
    expect(states).toEqual(['RESTARTING: start failed and is retried: RetriableError: not yet'])
    clock.advance(30_000)
    await untilPasses(() => expect(states.at(-1)).toBe('RUNNING'))
    expect(task.starts).toHaveLength(2)
    control.stop()
    await ended
  })

  it('fails with the stage when a record does not convert, after storing the offsets before it', async () => {
    const { task, producer, written, ended } = host()
    producer.automatic = true
    task.give([record(1), record(2, 'bad'), record(3)])
    await expect(ended).rejects.toMatchObject({
      stage: 'VALUE_CONVERTER',
      message: expect.stringContaining('it is bad'),
    })
    expect(written('t')).toEqual(['v1'])
    expect(task.commits).toEqual([[{ partition, offset: { position: 1 } }]])
    expect(task.stopped).toBe(1)
  })

  it('names the record that the producer does not take', async () => {
    const { task, producer, ended } = host()
    producer.refuse = () => new DataError('a record of 20 MB is above the limit')
    task.give([{ ...record(7), key: 'k7' }])
    await expect(ended).rejects.toThrow(
      /the record with key k7 at source offset \{"position":7\} cannot be written to topic t: .*20 MB/,
    )
  })

  it('fails when the producer gives a record up, without waiting for the next poll', async () => {
    const { task, producer, ended } = host()
    task.give([record(1)])
    await untilPasses(() => expect(producer.unacknowledged).toBe(1))
    producer.fail(new DataError('refused by the broker'))
    await expect(ended).rejects.toThrow('refused by the broker')
    expect(task.commits).toEqual([])
  })

  it('moves offsets past records that a transform dropped', async () => {
    const dropOdd: TransformStep = {
      alias: 'drop',
      transform: { apply: (r) => (String(r.value) === 'v1' ? r : null) },
      predicate: null,
      negate: false,
    }
    const { task, producer, control, written, ended } = host({ transforms: [dropOdd] })
    producer.automatic = true
    task.give([record(1), record(2), record(3)])
    await untilPasses(() => expect(written('offsets')).toEqual(['3']))
    expect(written('t')).toEqual(['v1'])
    control.stop()
    await ended
  })

  it('writes an offset that belongs to no record, and confirms it', async () => {
    const { task, producer, control, written, ended } = host()
    producer.automatic = true
    await untilPasses(() => expect(task.context).not.toBeNull())
    task.context?.advanceOffset?.(partition, { position: 7 })
    await untilPasses(() => expect(task.commits).toEqual([[{ partition, offset: { position: 7 } }]]))
    expect(written('offsets')).toEqual(['7'])
    control.stop()
    await ended
  })

  it('waits while the producer is full, and a stop ends the wait', async () => {
    const { task, producer, control, written, ended } = host()
    producer.fill()
    task.give([record(1), record(2)])
    await untilPasses(() => expect(written('t')).toEqual(['v1']))
    control.stop()
    producer.acknowledge(1)
    await untilPasses(() => expect(written('offsets')).toEqual(['1']))
    producer.acknowledge(1)
    await ended
    expect(written('t')).toEqual(['v1'])
  })

  it('brings everything home before it rests in a pause, and continues after', async () => {
    const { task, producer, control, states, written, ended } = host()
    producer.automatic = true
    task.give([record(1)])
    await untilPasses(() => expect(written('t')).toEqual(['v1']))
    control.pause()
    await untilPasses(() => expect(states).toEqual(['RUNNING', 'PAUSED']))
    expect(task.commits).toHaveLength(1)
    task.give([record(2)])
    control.resume()
    await untilPasses(() => expect(written('t')).toEqual(['v1', 'v2']))
    expect(states).toEqual(['RUNNING', 'PAUSED', 'RUNNING'])
    control.stop()
    await ended
  })

  it('does not start a task that is created paused until it is resumed', async () => {
    const { task, control, states, ended } = host({ paused: true })
    await untilPasses(() => expect(states).toEqual(['PAUSED']))
    expect(task.starts).toHaveLength(0)
    control.resume()
    await untilPasses(() => expect(states).toEqual(['PAUSED', 'RUNNING']))
    control.stop()
    await ended
  })

  it('does not wait for the log indefinitely at its end (I9)', async () => {
    const { clock, task, producer, control, logger, ended } = host()
    task.give([record(1)])
    await untilPasses(() => expect(producer.unacknowledged).toBe(1))
    control.stop()
    await untilPasses(() => expect(clock.pending).toBe(1))
    clock.advance(5000)
    await ended
    expect(task.commits).toEqual([])
    expect(logger.lines.map(({ message }) => message).join()).toContain('will be read again')
  })

  it('shows what keeps its records from being written, for as long as it does', async () => {
    const { producer, control, states, ended } = host()
    await untilPasses(() => expect(states).toEqual(['RUNNING']))
    producer.listener.onTrouble?.({ code: 'LOG_UNREACHABLE', message: 'gone' })
    producer.listener.onTrouble?.({ code: 'BROKER_DISK_FULL', message: 'full' })
    producer.listener.onTrouble?.(null)
    expect(states.filter((state) => state.startsWith('RUNNING'))).toEqual([
      'RUNNING',
      'RUNNING: LOG_UNREACHABLE: gone',
      'RUNNING',
      'RUNNING: BROKER_DISK_FULL: full',
      'RUNNING',
    ])
    control.stop()
    await ended
  })
})
