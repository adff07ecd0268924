import {
  RetriableError,
  systemClock,
  type Clock,
  type ConnectValue,
  type ConnectorPlugin,
  type ErrantRecordReporter,
  type Header,
  type Logger,
  type OffsetToCommit,
  type ParsedConfig,
  type RawConfig,
  type Schema,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartition,
} from 'penstock/api'
import { present } from '../../../src/foundation/assert.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { patienceMs } from '../until.ts'

/** What a test says of a record; the rest has defaults. */
export interface RecordParts {
  readonly topic: string
  readonly partition?: number
  readonly key?: ConnectValue
  readonly keySchema?: Schema | null
  readonly value?: ConnectValue
  readonly valueSchema?: Schema | null
  readonly headers?: readonly Header[]
  readonly timestamp?: number
}

/** A log in memory with committed offsets: what survives when the task before it crashes. */
export class MemoryLog {
  readonly records = new Map<string, SinkRecord[]>()
  readonly committed = new Map<string, number>()
  readonly partitions: TopicPartition[] = []
  readonly clusterId: string | null
  readonly topicIds = new Map<string, string>()

  constructor(clusterId: string | null = 'a-cluster') {
    this.clusterId = clusterId
  }

  append(parts: RecordParts): SinkRecord {
    const { topic } = parts
    const partition = parts.partition ?? 0
    const name = `${topic}-${partition}`
    let list = this.records.get(name)
    if (list === undefined) {
      list = []
      this.records.set(name, list)
      this.partitions.push({ topic, partition })
    }
    const record: SinkRecord = {
      topic,
      partition,
      offset: list.length,
      keySchema: parts.keySchema ?? null,
      key: parts.key ?? null,
      valueSchema: parts.valueSchema ?? null,
      value: parts.value ?? null,
      timestamp: parts.timestamp ?? 1_700_000_000_000,
      timestampType: 'CreateTime',
      headers: parts.headers ?? [],
      originalTopic: topic,
      originalPartition: partition,
      originalOffset: list.length,
    }
    list.push(record)
    return record
  }
}

const silent: Logger = {
  name: 'test',
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silent,
}

/** A logger that keeps what was said at warn and error. */
export function keepingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const logger: Logger & { readonly lines: string[] } = {
    ...silent,
    lines,
    warn: (message) => void lines.push(message),
    error: (message) => void lines.push(message),
    child: () => logger,
  }
  return logger
}

/**
 * Runs one sink task over a {@link MemoryLog} the way the worker does: put, preCommit, seek, pause, flush and close, in
 * calls that never overlap. `crash` forgets the task without a word to it; a later harness on the same log continues from the
 * committed offsets.
 */
export class SinkTaskHarness {
  readonly log: MemoryLog
  readonly counters = new Map<string, number>()
  /** The conditions that stand. */
  readonly conditions = new Map<string, string>()
  readonly logger = keepingLogger()
  readonly #task: SinkTask
  readonly #config: ParsedConfig
  readonly #raw: RawConfig
  readonly #clock: Clock
  /** Where reading continues, and the offset after the last record that `put` took. */
  readonly #positions = new Map<string, number>()
  readonly #delivered = new Map<string, number>()
  readonly #seeks: OffsetToCommit[] = []
  readonly #paused = new Set<string>()
  #commitRequested = false
  #refusals = 0
  #refusal: RetriableError | null = null
  #wakeWithinMs: number | null = null
  #raised: Error | null = null

  /** Says which records pass the transforms; the others are left out, their offsets are not. */
  keeps: (record: SinkRecord) => boolean = () => true
  /** What receives the records that the task reports. */
  reporter: ErrantRecordReporter | null = null
  /** A commit that was asked for comes with every so many turns of {@link runUntil}. */
  commitEvery = 1
  /** Whether the task is a member of its group: the coordinator refuses commits of others. */
  holds = true
  refusedCommits = 0

  constructor(plugin: ConnectorPlugin, raw: RawConfig, log: MemoryLog = new MemoryLog(), clock: Clock = systemClock) {
    this.log = log
    this.#clock = clock
    this.#raw = raw
    this.#config = parseConfig(plugin.configDef, raw)
    const task = plugin.createTask()
    if (!('put' in task)) throw new TypeError(`${plugin.className} makes no sink tasks`)
    this.#task = task
  }

  /** What the task failed with from outside a call; null while it is well. */
  get raised(): Error | null {
    return this.#raised
  }

  /** Batches that the task would not take yet. */
  get refusals(): number {
    return this.#refusals
  }

  /** Why the task did not take the last of them. */
  get refusal(): RetriableError | null {
    return this.#refusal
  }

  /** The offset after the last record that the task took. */
  position(at: TopicPartition): number {
    return this.#delivered.get(nameOf(at)) ?? 0
  }

  get wakeWithinMs(): number | null {
    return this.#wakeWithinMs
  }

  async start(): Promise<void> {
    await this.#task.start(this.#context())
    await this.#task.open(
      this.log.partitions.map((at) => {
        const offset = this.log.committed.get(nameOf(at)) ?? 0
        this.#positions.set(nameOf(at), offset)
        this.#delivered.set(nameOf(at), offset)
        this.#delivered.set(nameOf(at), offset)
        return { ...at, offset }
      }),
    )
  }

  /** Puts what lies in the log, `batch` records at a time, until the task has been given everything. */
  async deliver(batch = 500): Promise<void> {
    for (;;) {
      const records = this.#next(batch)
      if (records.length === 0) return
      await this.put(records.filter(this.keeps))
      this.#noteDelivered(records)
      if (this.#commitRequested) await this.commit()
    }
  }

  /** One `put`; the same records again after a RetriableError. Throws what the task raised. */
  async put(records: readonly SinkRecord[]): Promise<void> {
    this.#wakeWithinMs = null
    for (;;) {
      if (this.#raised !== null) throw this.#raised
      try {
        await this.#task.put(records)
        return
      } catch (error) {
        if (!(error instanceof RetriableError)) throw error
        await systemClock.sleep(10)
      }
    }
  }

  /**
   * Continues as the worker does — what is new in the log, commits that were asked for, calls at the times that were asked
   * for, refused batches again — until the condition holds.
   */
  async runUntil(what: string, condition: () => boolean | Promise<boolean>, batch = 500): Promise<void> {
    const deadline = systemClock.monotonic() + patienceMs
    let refused: readonly SinkRecord[] = []
    let turns = 0
    while (!(await condition())) {
      if (systemClock.monotonic() > deadline) throw new RangeError(`waited ${patienceMs} ms for: ${what}`)
      if (this.#raised !== null) throw this.#raised
      const records = refused.length > 0 ? refused : this.#next(batch)
      this.#wakeWithinMs = null
      try {
        await this.#task.put(records.filter(this.keeps))
        refused = []
        this.#noteDelivered(records)
      } catch (error) {
        if (!(error instanceof RetriableError)) throw error
        refused = records
        this.#refusals += 1
        this.#refusal = error
      }
      turns += 1
      if (this.#commitRequested && turns % this.commitEvery === 0) await this.commit()
      else if (records.length === 0 || refused.length > 0) await systemClock.sleep(Math.min(5, this.#wakeWithinMs ?? 5))
    }
  }

  /** preCommit, then the commit of what it returned. */
  async commit(): Promise<readonly OffsetToCommit[]> {
    this.#commitRequested = false
    for (const at of this.#seeks) this.#delivered.set(nameOf(at), at.offset)
    const offsets = await this.#task.preCommit(this.#current())
    if (!this.holds && offsets.length > 0) {
      this.refusedCommits += 1
      this.#task.commitFailed?.(offsets)
      return []
    }
    for (const { topic, partition, offset } of offsets) this.log.committed.set(`${topic}-${partition}`, offset)
    if (offsets.length > 0) this.#task.committed?.(offsets)
    return offsets
  }

  /** The orderly end: flush, commit, close, stop. */
  async finish(): Promise<void> {
    await this.#task.flush(AbortSignal.timeout(patienceMs), this.log.partitions)
    await this.commit()
    await this.#task.close(this.log.partitions)
    await this.#task.stop()
  }

  /** Delivers all and makes it durable; the task stays. */
  async deliverAll(): Promise<void> {
    await this.deliver()
    await this.#task.flush(AbortSignal.timeout(patienceMs), this.log.partitions)
    await this.commit()
  }

  /** The task's process is gone: nothing is flushed, nothing committed. */
  async crash(): Promise<void> {
    await this.#task.stop()
  }

  #noteDelivered(records: readonly SinkRecord[]): void {
    for (const { originalTopic: topic, originalPartition: partition, originalOffset } of records) {
      this.#delivered.set(nameOf({ topic, partition }), originalOffset + 1)
    }
  }

  #next(batch: number): SinkRecord[] {
    for (const at of this.#seeks.splice(0)) {
      this.#positions.set(nameOf(at), at.offset)
      this.#delivered.set(nameOf(at), at.offset)
    }
    const records: SinkRecord[] = []
    for (const at of this.log.partitions) {
      const name = nameOf(at)
      if (this.#paused.has(name)) continue
      const position = this.#positions.get(name) ?? 0
      const some = present(this.log.records.get(name), name).slice(position, position + batch - records.length)
      this.#positions.set(name, position + some.length)
      records.push(...some)
    }
    return records
  }

  #current(): OffsetToCommit[] {
    return this.log.partitions.map((at) => ({ ...at, offset: this.#delivered.get(nameOf(at)) ?? 0 }))
  }

  #context(): SinkTaskContext {
    const count = (name: string, value: number): void =>
      void this.counters.set(name, (this.counters.get(name) ?? 0) + value)
    return {
      connector: this.#raw['name'] ?? 'test',
      task: 0,
      config: this.#config,
      raw: this.#raw,
      logger: this.logger,
      clock: this.#clock,
      metrics: {
        counter: (name) => ({ add: (value) => count(name, value) }),
        gauge: (name) => ({
          set: (value) => void this.counters.set(name, value),
          remove: () => void this.counters.delete(name),
        }),
        histogram: (name) => ({ observe: () => count(`${name}_count`, 1) }),
      },
      setCondition: (code, message) => {
        if (message === null) this.conditions.delete(code)
        else this.conditions.set(code, message)
      },
      clusterId: this.log.clusterId,
      topicId: (topic) => this.log.topicIds.get(topic) ?? null,
      assignment: () => this.log.partitions,
      highWatermark: (at) => this.log.records.get(nameOf(at))?.length ?? null,
      seek: (offsets) => void this.#seeks.push(...offsets),
      pause: (partitions) => {
        for (const at of partitions) this.#paused.add(nameOf(at))
      },
      resume: (partitions) => {
        for (const at of partitions) this.#paused.delete(nameOf(at))
      },
      requestCommit: () => {
        this.#commitRequested = true
      },
      wakeWithin: (ms) => {
        this.#wakeWithinMs = Math.min(ms, this.#wakeWithinMs ?? ms)
      },
      raiseError: (error) => {
        this.#raised ??= error
      },
      errantRecordReporter: this.reporter,
    }
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
