import type { RawConfig } from '../../../src/api/config-def.ts'
import type { Converter } from '../../../src/api/converter.ts'
import { noHeaders, type SourceOffset, type SourcePartition, type SourceRecord } from '../../../src/api/record.ts'
import type { CommittedSourceOffset, SourceTask } from '../../../src/api/task.ts'
import { systemClock, type Clock } from '../../../src/foundation/clock.ts'
import { deferred, type Deferred } from '../../../src/foundation/async/deferred.ts'
import { Meters } from '../../../src/foundation/metrics/meters.ts'
import { RecordEncoder } from '../../../src/runtime/task-thread/conversion/record-encoder.ts'
import { offsetRecordOf } from '../../../src/runtime/task-thread/source/source-offset-record.ts'
import { SourceTaskLoop, type SourceTaskLoopOptions } from '../../../src/runtime/task-thread/source/source-task-loop.ts'
import type { SourceDeadLetters } from '../../../src/runtime/task-thread/errors/source-errors.ts'
import type { TransformStep } from '../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { TaskControl } from '../../../src/runtime/task-thread/task-control.ts'
import { quietLogger } from '../quiet-logger.ts'
import { testRun } from './test-run.ts'

const text: Converter = {
  fromConnect: (_topic, _schema, value) => (typeof value === 'string' ? Buffer.from(value) : null),
  toConnect: () => ({ schema: null, value: null }),
}
const header = { fromConnectHeader: () => null, toConnectHeader: () => ({ schema: null, value: null }) }

/** A record whose value is its position, `v7`. */
export function positionRecord(
  topic: string,
  position: number,
  sourcePartition: SourcePartition,
  parts: Partial<SourceRecord> = {},
): SourceRecord {
  return {
    topic,
    partition: null,
    keySchema: null,
    key: null,
    valueSchema: null,
    value: `v${position}`,
    timestamp: null,
    headers: noHeaders,
    sourcePartition,
    sourceOffset: { position },
    ...parts,
  }
}

/** A source that hands out what the test gives it, and keeps what it is told of. */
export class GivenSource implements SourceTask {
  readonly commits: (readonly CommittedSourceOffset[])[] = []
  /** Called with each commit before it returns. */
  onCommit: (offsets: readonly CommittedSourceOffset[]) => Promise<void> = async () => undefined
  #batches: (readonly SourceRecord[])[] = []
  #arrival: Deferred<void> | null = null

  give(...batches: (readonly SourceRecord[])[]): void {
    this.#batches.push(...batches)
    this.#arrival?.resolve()
  }

  /** The last offset of which the task was told, of each of its partitions. */
  get committed(): readonly SourceOffset[] {
    const last = new Map<string, SourceOffset>()
    for (const { partition, offset } of this.commits.flat()) last.set(JSON.stringify(partition), offset)
    return [...last.values()]
  }

  async start(): Promise<void> {}

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    if (this.#batches.length === 0 && !signal.aborted) {
      const arrival = deferred<void>()
      this.#arrival = arrival
      signal.addEventListener('abort', () => arrival.resolve(), { once: true })
      await arrival.promise
    }
    return this.#batches.shift() ?? null
  }

  async commit(offsets: readonly CommittedSourceOffset[]): Promise<void> {
    await this.onCommit(offsets)
    this.commits.push(offsets)
  }

  async stop(): Promise<void> {}
}

export interface RunningSourceOptions {
  readonly task: SourceTask
  readonly createProducer: SourceTaskLoopOptions['createProducer']
  /** Of values; text by default. */
  readonly converter?: Converter
  readonly transforms?: readonly TransformStep[]
  /** The connector's config: `errors.*`. */
  readonly connectorConfig?: RawConfig
  readonly offsetTopic?: string
  readonly deadLetters?: SourceDeadLetters
  readonly clock?: Clock
  readonly endTimeoutMs?: number
}

/** One source task in its real loop, on the producer that the test gives it. */
export class RunningSource {
  readonly control = new TaskControl(false)
  readonly logger = quietLogger()
  readonly metrics = new Meters()
  readonly states: string[] = []
  /** The trace of each status write. */
  readonly traces: (string | null)[] = []
  /** Resolves with what the task failed with; null when it was stopped. */
  readonly ended: Promise<unknown>

  constructor({
    task,
    createProducer,
    converter = text,
    transforms = [],
    connectorConfig = {},
    offsetTopic = 'offsets',
    deadLetters,
    clock = systemClock,
    endTimeoutMs = 10_000,
  }: RunningSourceOptions) {
    const loop = new SourceTaskLoop({
      createTask: () => task,
      context: {
        connector: 'source',
        task: 0,
        config: {},
        raw: {},
        logger: this.logger,
        clock,
        metrics: this.metrics,
        readOffsets: async () => [],
        greatestHeader: async () => null,
      },
      transforms,
      encoder: new RecordEncoder({ key: text, value: converter, header }),
      createProducer,
      prepareTopic: null,
      offsetTopic,
      deadLetters: deadLetters ?? null,
      offsetRecord: (offset) => offsetRecordOf(offsetTopic, 'source', offset),
      control: this.control,
      run: { ...testRun, connectorConfig },
      listener: {
        onTaskState: (_run, state, trace) => {
          this.states.push(state)
          this.traces.push(trace)
        },
        onTaskTopic: () => undefined,
      },
      flushTimeoutMs: 5000,
      endTimeoutMs,
    })
    this.ended = loop.run().then(
      () => null,
      (error: unknown) => error,
    )
  }

  async stop(): Promise<unknown> {
    this.control.stop()
    return await this.ended
  }
}
