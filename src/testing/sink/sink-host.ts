import { RetriableError } from '../../api/errors.ts'
import type { ConnectorPlugin } from '../../api/connector.ts'
import type { SinkRecord } from '../../api/record.ts'
import type { DurableOffset, OffsetToCommit, SinkTask, SinkTaskContext } from '../../api/task.ts'
import { systemClock } from '../../foundation/clock.ts'
import { formatTopicPartition, type TopicPartition } from '../../foundation/topic-partition.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { rules } from '../contract/rules.ts'
import { textOf } from '../data/value-fault.ts'
import { withSignalAfter } from '../host/signal-after.ts'
import { ContextUse, taskContext, type GivenConfig } from '../host/task-context.ts'
import type { SinkLog } from './sink-log.ts'
import type { SinkFixture } from './sink-options.ts'

/** The wait before the same records are put again. The worker waits longer. */
const retryMs = 20
/** The records of one `put`. Odd, so that batches end anywhere in a topic. */
const batchRecords = 5

interface Position extends TopicPartition {
  /** Where reading continues. */
  next: number
  /** The offset after the last record that `put` has accepted. */
  delivered: number
}

/** What becomes of a commit. */
export type CommitOutcome = 'acknowledged' | 'failed'

/** A sink task in a worker that keeps the log in memory. What the task returns is checked at once. */
export class SinkHost {
  readonly use: ContextUse
  /** The message of the last RetriableError of `put`; null if there was none. */
  refusal: string | null = null
  readonly #run: CaseRun
  readonly #task: SinkTask
  readonly #given: GivenConfig
  readonly #fixture: SinkFixture
  readonly #log: SinkLog
  readonly #positions = new Map<string, Position>()
  readonly #paused = new Set<string>()
  readonly #seeks: OffsetToCommit[] = []
  #refused: readonly SinkRecord[] = []
  #commitRequested = false
  #raised: Error | null = null

  constructor(
    run: CaseRun,
    plugin: ConnectorPlugin,
    { given, fixture, log }: { readonly given: GivenConfig; readonly fixture: SinkFixture; readonly log: SinkLog },
  ) {
    this.#run = run
    this.#given = given
    this.#fixture = fixture
    this.#log = log
    this.use = new ContextUse(run)
    const task = plugin.createTask()
    if (!('put' in task)) throw run.broken(rules.createTask, 'createTask returned a task without put.')
    this.#task = task
  }

  async start(): Promise<void> {
    await this.#run.call('start', rules.start, async () => await this.#task.start(this.#context()))
  }

  /** Assigns partitions at their committed offsets. */
  async open(partitions: readonly TopicPartition[]): Promise<void> {
    const offsets = partitions.map((at) => ({ ...at, offset: this.#log.committed(at) }))
    for (const { topic, partition, offset } of offsets) {
      const at = { topic, partition, next: offset, delivered: offset }
      this.#positions.set(formatTopicPartition(at), at)
    }
    await this.#run.call(`open(${textOf(offsets)})`, rules.open, async () => await this.#task.open(offsets))
  }

  /**
   * One `put` of the next records, or of those that it refused. Commits if the task requests it.
   * @returns whether `put` accepted the records
   * @throws what `put` throws unless it is retriable, and what the task raised
   */
  async put(): Promise<boolean> {
    this.#throwRaised()
    this.#applySeeks()
    const records = this.#refused.length > 0 ? this.#refused : this.#nextRecords()
    try {
      await this.#run.call(`put(${namesOf(records)})`, rules.put, async () => await this.#task.put(records))
      this.#refused = []
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error
      this.#refused = records
      this.refusal = error.message
      await systemClock.sleep(retryMs)
      return false
    }
    for (const record of records) {
      const position = this.#positions.get(nameOf(record))
      if (position !== undefined) position.delivered = record.originalOffset + 1
    }
    if (this.#commitRequested) await this.commit('acknowledged')
    this.#throwRaised()
    return true
  }

  /** Puts all records of the log, then none. */
  async deliver(): Promise<void> {
    const isDelivered = await this.#run.until(async () => (await this.put()) && this.#isAllDelivered())
    if (!isDelivered)
      throw this.#run.broken(rules.putErrors, `put did not accept all records within ${this.#run.waitMs} ms.`)
  }

  /** Asks what is durable, checks that it is, and commits that. A RetriableError is left for the next commit. */
  async commit(outcome: CommitOutcome): Promise<void> {
    this.#commitRequested = false
    const current = [...this.#positions.values()].map(({ topic, partition, delivered }) => ({
      topic,
      partition,
      offset: delivered,
    }))
    let offsets: readonly DurableOffset[]
    try {
      offsets = await this.#run.call(
        `preCommit(${textOf(current)})`,
        rules.preCommit,
        async () => await this.#task.preCommit(current),
      )
    } catch (error) {
      if (error instanceof RetriableError) return
      throw error
    }
    this.#run.note(`  returned ${textOf(offsets)}`)
    this.#checkOffsets(offsets)
    await this.#checkDurable(offsets)
    if (offsets.length === 0) return
    if (outcome === 'failed') {
      await this.#run.call('commitFailed', rules.commitFailed, () => this.#task.commitFailed?.(offsets))
      return
    }
    this.#log.commit(offsets)
    await this.#run.call('committed', rules.preCommit, () => this.#task.committed?.(offsets))
  }

  /** A failure is left for the next commit, as the worker does. @param partitions those that are revoked; all by default */
  async flush(partitions: readonly TopicPartition[] = [...this.#positions.values()]): Promise<void> {
    try {
      await withSignalAfter(this.#run.waitMs, 'the time of the flush is over', async (signal) => {
        await this.#run.call('flush', rules.flush, async () => await this.#task.flush(signal, partitions))
      })
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error
    }
  }

  /** Takes partitions away; those that are lost belong to another task already, so nothing of them is flushed or committed. */
  async close(partitions: readonly TopicPartition[], isLost = false): Promise<void> {
    if (!isLost) {
      await this.flush(partitions)
      await this.commit('acknowledged')
    }
    const names = partitions.map(formatTopicPartition)
    this.#refused = this.#refused.filter((record) => !names.includes(nameOf(record)))
    for (const name of names) {
      this.#positions.delete(name)
      this.#paused.delete(name)
    }
    await this.#run.call(`close(${names.join(', ')})`, rules.close, async () => await this.#task.close(partitions))
  }

  /** Delivers, flushes and commits until the offsets of all records are committed. */
  async drain(): Promise<void> {
    const isDrained = await this.#run.until(async () => {
      await this.deliver()
      await this.flush()
      await this.commit('acknowledged')
      return [...this.#positions.values()].every((at) => this.#log.committed(at) === this.#log.end(at))
    })
    if (isDrained) return
    const left = [...this.#positions.values()].map(
      (at) => `${formatTopicPartition(at)} ${this.#log.committed(at)} of ${this.#log.end(at)}`,
    )
    throw this.#run.broken(
      rules.flush,
      `${this.#run.waitMs} ms of flush and preCommit committed only ${left.join(', ')}.`,
    )
  }

  async stop(): Promise<void> {
    await this.#run.call('stop', rules.stop, async () => await this.#task.stop())
    this.use.stopped()
  }

  #throwRaised(): void {
    const raised = this.#raised
    if (raised !== null) throw this.#run.named('context.raiseError', raised)
  }

  #applySeeks(): void {
    for (const at of this.#seeks.splice(0)) {
      const name = formatTopicPartition(at)
      const position = this.#positions.get(name)
      if (position === undefined) continue
      this.#refused = this.#refused.filter((record) => nameOf(record) !== name)
      position.next = at.offset
      position.delivered = at.offset
    }
  }

  /** Takes some of each partition in turn, so that a batch has records of several topics. */
  #nextRecords(): readonly SinkRecord[] {
    const records: SinkRecord[] = []
    for (const [name, position] of this.#positions) {
      if (this.#paused.has(name)) continue
      for (const record of this.#log.from(position, position.next).slice(0, batchRecords - records.length)) {
        records.push(record)
        position.next = record.offset + 1
      }
    }
    return records
  }

  #isAllDelivered(): boolean {
    return (
      this.#seeks.length === 0 &&
      [...this.#positions.values()].every(
        (at) => this.#log.from(at, at.delivered).length === 0 || this.#paused.has(formatTopicPartition(at)),
      )
    )
  }

  #checkOffsets(offsets: readonly DurableOffset[]): void {
    for (const at of offsets) {
      const { offset } = at
      const name = formatTopicPartition(at)
      const position = this.#positions.get(name)
      const wrong = (what: string): Error =>
        this.#run.broken(rules.preCommit, `preCommit returned ${offset} of ${name}, ${what}.`)
      if (position === undefined) throw wrong('which is not assigned to the task')
      if (!Number.isSafeInteger(offset) || offset < 0) throw wrong('which is no offset')
      if (offset > position.delivered)
        throw wrong(`although the task received only records before ${position.delivered}`)
    }
  }

  async #checkDurable(offsets: readonly DurableOffset[]): Promise<void> {
    if (offsets.length === 0) return
    const delivered = new Set(await this.#fixture.delivered())
    for (const at of offsets) {
      const records = this.#log.from(at, 0).filter((record) => record.offset < at.offset)
      const lost = records.find((record) => {
        const name = this.#fixture.identify(record)
        return name !== null && !delivered.has(name)
      })
      if (lost === undefined) continue
      const did = `preCommit returned ${at.offset} of ${formatTopicPartition(at)}, but the target does not have record ${lost.offset} (${String(this.#fixture.identify(lost))}).`
      throw this.#run.broken(rules.preCommit, did)
    }
  }

  #context(): SinkTaskContext {
    const { use } = this
    const common = taskContext(this.#run, this.#given, use)
    return {
      ...common,
      clusterId: 'contract-cluster',
      topicId: (topic) => Buffer.from(topic.padEnd(16, '-').slice(0, 16)).toString('base64url'),
      assignment: () => [...this.#positions.values()].map(({ topic, partition }) => ({ topic, partition })),
      highWatermark: (at) => this.#log.end(at),
      seek: (offsets) => {
        use.note(`seek(${textOf(offsets)})`)
        this.#seeks.push(...offsets)
      },
      pause: (partitions) => {
        use.note(`pause(${textOf(partitions)})`)
        for (const at of partitions) this.#paused.add(formatTopicPartition(at))
      },
      resume: (partitions) => {
        use.note(`resume(${textOf(partitions)})`)
        for (const at of partitions) this.#paused.delete(formatTopicPartition(at))
      },
      requestCommit: () => {
        use.note('requestCommit()')
        this.#commitRequested = true
      },
      // `put` is called again at once whenever a case waits.
      wakeWithin: (ms) => use.note(`wakeWithin(${ms})`),
      showWaiting: (reason) => {
        if (reason !== null) use.note(`showWaiting(${reason})`)
      },
      raiseError: (error) => {
        use.note(`raiseError(${error.message})`)
        this.#raised ??= error
      },
      errantRecordReporter: null,
    }
  }
}

/** Returns the partition from which the record was read, whatever transforms made of it. */
function nameOf({ originalTopic: topic, originalPartition: partition }: SinkRecord): string {
  return formatTopicPartition({ topic, partition })
}

function namesOf(records: readonly SinkRecord[]): string {
  return records.map((record) => `${nameOf(record)}@${record.originalOffset}`).join(', ')
}
