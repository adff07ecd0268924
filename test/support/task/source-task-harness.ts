import {
  RetriableError,
  systemClock,
  type Clock,
  type ConnectorPlugin,
  type Logger,
  type ParsedConfig,
  type RawConfig,
  type SourceOffset,
  type SourcePartition,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { patienceMs, until } from '../until.ts'

/** The offset topic of one connector, and the headers in its topics: what survives when its task crashes. */
export class MemoryOffsets {
  /** Every offset that was written, in order. */
  readonly written: SourceOffset[] = []
  /** Offsets of other partitions than the source's own, by their JSON text. */
  readonly others = new Map<string, SourceOffset>()
  /** The greatest number that each header has in a topic: `topic header`. */
  readonly greatest = new Map<string, bigint>()
  /** What asking for them fails with. */
  unreadable: Error | null = null

  get last(): SourceOffset | null {
    return this.written.at(-1) ?? null
  }
}

function isOwn(partition: SourcePartition): boolean {
  return Object.keys(partition).length === 1
}

export interface LogLine {
  readonly level: string
  readonly message: string
}

function recordingLogger(lines: LogLine[]): Logger {
  const at =
    (level: string) =>
    (message: string): void =>
      void lines.push({ level, message })
  const logger: Logger = {
    name: 'test',
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  }
  return logger
}

export interface SourceHarnessParts {
  readonly offsets?: MemoryOffsets | undefined
  /** Records after which polling waits for {@link SourceTaskHarness.goOn}. */
  readonly pollLimit?: number | undefined
  /** The task's; the harness keeps real time. */
  readonly clock?: Clock | undefined
}

/**
 * Drives a source task as the runtime does: polls in a loop, retries what is retriable, writes the offset of what is
 * acknowledged and then tells the task. Acknowledgement can be held back.
 */
export class SourceTaskHarness {
  readonly records: SourceRecord[] = []
  readonly lines: LogLine[] = []
  readonly gauges = new Map<string, number>()
  readonly counters = new Map<string, number>()
  /** The conditions that stand. */
  readonly conditions = new Map<string, string>()
  readonly retried: Error[] = []
  /** Whether the last failure of `poll` stands. */
  waiting = false
  readonly offsets: MemoryOffsets
  readonly #task: SourceTask
  readonly #config: ParsedConfig
  readonly #raw: RawConfig
  readonly #stopping = new AbortController()
  readonly #pollLimit: number
  readonly #clock: Clock
  /** Offsets that are acknowledged once {@link acknowledge} allows it. */
  readonly #unwritten: SourceOffset[] = []
  #holding = false
  #keeping = true
  #count = 0
  #commits: Promise<void> = Promise.resolve()
  #running: Promise<void> | null = null
  #error: Error | null = null
  #resume: PromiseWithResolvers<void> | null = null

  constructor(plugin: ConnectorPlugin, raw: RawConfig, parts: SourceHarnessParts = {}) {
    const { offsets = new MemoryOffsets(), pollLimit = Infinity, clock = systemClock } = parts
    this.#clock = clock
    this.offsets = offsets
    this.#raw = raw
    this.#pollLimit = pollLimit
    this.#config = parseConfig(plugin.configDef, raw)
    const task = plugin.createTask()
    if (!('poll' in task)) throw new TypeError(`${plugin.className} makes no source tasks`)
    this.#task = task
  }

  /** What the task failed with; null while it is well. */
  get error(): Error | null {
    return this.#error
  }

  /** Records polled so far. */
  get count(): number {
    return this.#count
  }

  /** Only counts records from now on. */
  keepNothing(): void {
    this.#keeping = false
  }

  async start(): Promise<void> {
    await this.#task.start(this.#context())
    this.#running = this.#run()
  }

  /** Waits until so many records were polled. Throws what the task failed with. */
  async waitForRecords(count: number, deadlineMs = patienceMs): Promise<readonly SourceRecord[]> {
    await this.waitFor(`${count} records`, () => this.records.length >= count, deadlineMs)
    return this.records
  }

  /** Waits until a condition of the test holds. Throws what the task failed with. */
  async waitFor(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = patienceMs): Promise<void> {
    await until(
      () => `${what}; ${this.#state()}`,
      async () => {
        if (this.#error !== null) throw this.#error
        return await holds()
      },
      deadlineMs,
    )
  }

  /** Waits until the task has failed, and returns the error. */
  async failure(deadlineMs = patienceMs): Promise<Error> {
    await until(
      () => `the task to fail; ${this.#state()}`,
      () => this.#error !== null,
      deadlineMs,
    )
    return this.#error ?? new TypeError('unreachable')
  }

  /** What the task has done, and what it waits for. */
  #state(): string {
    const conditions = [...this.conditions].map(([code, message]) => `${code}: ${message}`)
    const lines = this.lines.slice(-5).map(({ level, message }) => `${level}: ${message}`)
    return [
      `${this.#count} records`,
      `${this.retried.length} retries, the last of ${String(this.retried.at(-1))}`,
      `conditions ${JSON.stringify(conditions)}`,
      `log ends with ${JSON.stringify(lines)}`,
    ].join('; ')
  }

  /** Lets records pile up without acknowledgement. */
  hold(): void {
    this.#holding = true
  }

  /** Acknowledges what was polled so far, and from now on at once. */
  async acknowledge(): Promise<void> {
    this.#holding = false
    this.#write()
    await this.#commits
  }

  /** Polls on after the limit. */
  goOn(): void {
    this.#resume?.resolve()
  }

  /** The orderly end. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopping'))
    this.#resume?.resolve()
    await this.#running
    await this.#commits
    await this.#task.stop()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const polled = await this.#task.poll(signal)
        this.waiting = false
        const failed = polled?.findIndex(({ failure }) => failure !== undefined) ?? -1
        const batch = failed < 0 ? polled : (polled?.slice(0, failed) ?? null)
        if (batch === null || (batch.length === 0 && failed < 0)) continue
        this.#count += batch.length
        if (this.#keeping) this.records.push(...batch)
        for (const record of batch) this.#noteHeaders(record)
        for (const { sourcePartition, sourceOffset } of batch)
          if (!isOwn(sourcePartition)) this.offsets.others.set(JSON.stringify(sourcePartition), sourceOffset)
        this.#unwritten.push(...batch.slice(-1).map((record) => record.sourceOffset))
        if (!this.#holding) this.#write()
        const failure = polled?.[failed]?.failure
        if (failure !== undefined) throw failure
        await this.#rest()
      } catch (error) {
        if (!(error instanceof RetriableError)) {
          this.#error = error instanceof Error ? error : new Error(String(error))
          return
        }
        this.retried.push(error)
        this.waiting = true
        await systemClock.sleep(50, signal).catch(() => undefined)
      }
    }
  }

  #noteHeaders({ topic, headers }: SourceRecord): void {
    const { greatest } = this.offsets
    for (const { key, value } of headers) {
      if (typeof value !== 'bigint') continue
      const place = `${topic} ${key}`
      if (value > (greatest.get(place) ?? -1n)) greatest.set(place, value)
    }
  }

  async #rest(): Promise<void> {
    if (this.records.length < this.#pollLimit || this.#stopping.signal.aborted) return
    this.#resume ??= Promise.withResolvers<void>()
    await this.#resume.promise
  }

  #write(): void {
    const offset = this.#unwritten.at(-1)
    if (offset === undefined) return
    this.#unwritten.length = 0
    // As the offset topic would give it back: through JSON.
    const stored = JSON.parse(JSON.stringify(offset)) as SourceOffset
    this.offsets.written.push(stored)
    this.#commits = this.#commits.then(() =>
      this.#task.commit([{ partition: { server: this.#raw['topic.prefix'] ?? '' }, offset: stored }]),
    )
  }

  #context(): SourceTaskContext {
    return {
      connector: this.#raw['name'] ?? 'test',
      task: 0,
      config: this.#config,
      raw: this.#raw,
      logger: recordingLogger(this.lines),
      clock: this.#clock,
      metrics: {
        counter: (name) => ({ add: (value) => void this.counters.set(name, (this.counters.get(name) ?? 0) + value) }),
        gauge: (name) => ({
          set: (value) => void this.gauges.set(name, value),
          remove: () => void this.gauges.delete(name),
        }),
        histogram: () => ({ observe: () => undefined }),
      },
      setCondition: (code, message) => {
        if (message === null) this.conditions.delete(code)
        else this.conditions.set(code, message)
      },
      readOffsets: async (partitions) =>
        partitions.map((partition) =>
          isOwn(partition) ? this.offsets.last : (this.offsets.others.get(JSON.stringify(partition)) ?? null),
        ),
      greatestHeader: async (topics, header) => {
        if (this.offsets.unreadable !== null) throw this.offsets.unreadable
        const found = topics.flatMap((topic) => this.offsets.greatest.get(`${topic} ${header}`) ?? [])
        return found.length === 0 ? null : found.reduce((a, b) => (a > b ? a : b))
      },
      recovered: () => {
        this.waiting = false
      },
      advanceOffset: (partition, offset) => {
        if (!isOwn(partition)) {
          this.offsets.others.set(JSON.stringify(partition), offset)
          return
        }
        this.#unwritten.push(offset)
        if (!this.#holding) this.#write()
      },
    }
  }
}
