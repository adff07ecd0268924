import type { Converter } from '../../../src/api/converter.ts'
import type { RawConfig } from '../../../src/api/config-def.ts'
import type { SinkTask } from '../../../src/api/task.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { Meters } from '../../../src/foundation/metrics/meters.ts'
import {
  SinkTaskLoop,
  type RecordConsumer,
  type SinkTaskLoopOptions,
} from '../../../src/runtime/task-thread/sink/sink-task-loop.ts'
import type { Converters } from '../../../src/runtime/task-thread/conversion/record-encoder.ts'
import type { ReadRange } from '../../../src/runtime/task-thread/errors/errant-records.ts'
import type { SinkDeadLetters } from '../../../src/runtime/task-thread/errors/sink-errors.ts'
import type { TransformStep } from '../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { TaskControl } from '../../../src/runtime/task-thread/task-control.ts'
import { quietLogger } from '../quiet-logger.ts'
import { testRun } from '../task/test-run.ts'

/** Values are text: what lies in the log is what the task gets. */
const text: Converter = {
  fromConnect: () => null,
  toConnect: (_topic, bytes) => ({ schema: null, value: bytes === null ? null : Buffer.from(bytes).toString() }),
}
/** The names of the classes of a running task's converters. */
export const converterNames = { key: 'KeyConverter', value: 'ValueConverter', header: 'HeaderConverter' }
const header = { fromConnectHeader: () => null, toConnectHeader: () => ({ schema: null, value: null }) }

export interface RunningSinkOptions {
  readonly createTask: () => SinkTask
  readonly consumer: RecordConsumer
  readonly topics: readonly string[]
  readonly clusterId?: string | null
  /** Of values; text by default. */
  readonly converter?: Converter
  /** In place of those for text. */
  readonly converters?: Partial<Converters>
  readonly transforms?: readonly TransformStep[]
  /** The connector's config: `errors.*`. */
  readonly connectorConfig?: RawConfig
  readonly deadLetters?: SinkDeadLetters
  /** What reads the letters that are delivered again; none are by default. */
  readonly replay?: SinkTaskLoopOptions['replay']
  /** None by default: records that the task reports are not there any more. */
  readonly readRange?: ReadRange
  readonly raw?: RawConfig
  readonly configDef?: Parameters<typeof parseConfig>[0]
  readonly commitIntervalMs?: number
  readonly flushTimeoutMs?: number
  readonly endTimeoutMs?: number
}

/** One sink task in its real loop, on the consumer that the test gives it. */
export class RunningSink {
  readonly control = new TaskControl(false)
  readonly metrics = new Meters()
  readonly logger = quietLogger()
  /** State and trace of each status write. */
  readonly statuses: { readonly state: string; readonly trace: string | null }[] = []
  /** Resolves with what the task failed with; null when it was stopped. */
  readonly ended: Promise<unknown>

  constructor(options: RunningSinkOptions) {
    const raw = options.raw ?? {}
    const loop = new SinkTaskLoop({
      createTask: options.createTask,
      context: {
        connector: 'sink',
        task: 0,
        config: parseConfig(options.configDef ?? {}, raw),
        raw,
        logger: this.logger,
        clock: systemClock,
        metrics: this.metrics,
      },
      transforms: options.transforms ?? [],
      converters: {
        key: text,
        value: options.converter ?? text,
        header,
        classNames: converterNames,
        ...options.converters,
      },
      consumer: options.consumer,
      subscription: { topics: options.topics },
      clusterId: options.clusterId ?? null,
      deadLetters: options.deadLetters ?? null,
      replay: options.replay ?? null,
      readRange: options.readRange ?? (async () => undefined),
      control: this.control,
      run: { ...testRun, connectorConfig: options.connectorConfig ?? {} },
      listener: {
        onTaskState: (_run: unknown, state, trace) => void this.statuses.push({ state, trace }),
        onTaskTopic: () => undefined,
      },
      commitIntervalMs: options.commitIntervalMs ?? 60_000,
      flushTimeoutMs: options.flushTimeoutMs ?? 5000,
      endTimeoutMs: options.endTimeoutMs ?? 8000,
    })
    this.ended = loop.run().then(
      () => null,
      (error: unknown) => error,
    )
  }

  get trace(): string | null {
    return this.statuses.at(-1)?.trace ?? null
  }

  async stop(): Promise<unknown> {
    this.control.stop()
    return await this.ended
  }
}
