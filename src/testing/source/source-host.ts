import { RetriableError } from '../../api/errors.ts'
import type { SourceRecord } from '../../api/record.ts'
import type { CommittedSourceOffset, SourceTask, SourceTaskContext } from '../../api/task.ts'
import type { ConnectorPlugin } from '../../api/connector.ts'
import { systemClock } from '../../foundation/clock.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { rules } from '../contract/rules.ts'
import { sourceRecordFault } from '../data/record-fault.ts'
import { textOf } from '../data/value-fault.ts'
import { withSignalAfter } from '../host/signal-after.ts'
import { SourceStore } from '../host/source-store.ts'
import { ContextUse, taskContext, type GivenConfig } from '../host/task-context.ts'

/** The wait before `poll` is called again after a RetriableError. The worker waits longer. */
const retryMs = 20
/** How long a short poll waits for records. */
const shortPollMs = 50

/** A source task in a worker that keeps records and offsets in memory. Each record is checked as it arrives. */
export class SourceHost {
  /** The records of this run of the task, in order. */
  readonly records: SourceRecord[] = []
  readonly store: SourceStore
  /** The RetriableErrors of `poll`. */
  readonly retried: Error[] = []
  readonly use: ContextUse
  /** Whether the task has asked for its stored offsets. */
  offsetsAsked = false
  /** What `readOffsets` fails with; null: it reads the store. */
  unreadable: Error | null = null
  readonly #run: CaseRun
  readonly #task: SourceTask
  readonly #given: GivenConfig
  /** The records as they were when `poll` returned them. */
  readonly #texts: string[] = []

  constructor(run: CaseRun, plugin: ConnectorPlugin, given: GivenConfig, store: SourceStore = new SourceStore()) {
    this.#run = run
    this.#given = given
    this.store = store
    this.use = new ContextUse(run)
    const task = plugin.createTask()
    if (!('poll' in task)) throw run.broken(rules.createTask, 'createTask returned a task without poll.')
    this.#task = task
  }

  async start(): Promise<void> {
    await this.#run.call('start', rules.start, async () => await this.#task.start(this.#context()))
  }

  /** One call of `poll`. Returns no records after a RetriableError. @throws what else it throws */
  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    let error: unknown = null
    const polled: unknown = await this.#run.call('poll', rules.poll, async () => {
      try {
        return await this.#task.poll(signal)
      } catch (thrown) {
        error = thrown
        return null
      }
    })
    if (error !== null) return this.#failed(error, signal)
    return this.#received(polled)
  }

  /** Polls for a moment. */
  async pollShortly(): Promise<void> {
    const before = this.retried.length
    await withSignalAfter(shortPollMs, 'the task is paused', async (signal) => await this.poll(signal))
    const [failure] = this.retried.slice(before)
    if (failure !== undefined) throw failure
  }

  /** Polls until this run of the task has returned that many records. */
  async collect(count: number): Promise<void> {
    await withSignalAfter(this.#run.waitMs, 'the wait is over', async (signal) => {
      while (this.records.length < count && !signal.aborted) {
        const retries = this.retried.length
        await this.poll(signal)
        if (this.retried.length > retries) await systemClock.sleep(retryMs)
      }
    })
    if (this.records.length >= count) return
    const did = `within ${this.#run.waitMs} ms, poll returned ${this.records.length} of ${count} records.`
    throw this.#run.broken(rules.poll, did, this.retried.at(-1))
  }

  /** Stores records as durable, and tells the task. */
  async commit(records: readonly SourceRecord[]): Promise<void> {
    const offsets: readonly CommittedSourceOffset[] = this.store.store(records)
    await this.#run.call(`commit(${textOf(offsets)})`, rules.commit, async () => await this.#task.commit(offsets))
  }

  /** Stops the task, and checks that the records which it returned have not changed. */
  async stop(): Promise<void> {
    await this.#run.call('stop', rules.stop, async () => await this.#task.stop())
    this.use.stopped()
    const at = this.records.findIndex((record, index) => textOf(record) !== this.#texts[index])
    if (at === -1) return
    const did = `record ${at + 1} was ${this.#texts[at]} when poll returned it, and is ${textOf(this.records[at])} afterwards.`
    throw this.#run.broken(rules.poll, did)
  }

  #failed(error: unknown, signal: AbortSignal): readonly SourceRecord[] {
    if (signal.aborted && error === signal.reason) return []
    const named = this.#run.named('poll', error)
    this.#run.note(`  ${named.name}: ${named.message}`)
    if (!(named instanceof RetriableError)) throw named
    this.retried.push(named)
    return []
  }

  #received(polled: unknown): readonly SourceRecord[] {
    if (polled === null) return []
    if (!Array.isArray(polled))
      throw this.#run.broken(rules.poll, `poll returned ${textOf(polled)}, neither records nor null.`)
    for (const record of polled as readonly SourceRecord[]) {
      const fault = sourceRecordFault(record)
      if (fault !== null) throw this.#run.broken(fault.rule, `${fault.did}. The record: ${textOf(record)}`)
      if (record.failure !== undefined) throw this.#run.named('poll', record.failure)
      this.records.push(record)
      this.#texts.push(textOf(record))
    }
    this.#run.note(`  returned ${polled.length} records`)
    return polled as readonly SourceRecord[]
  }

  #context(): SourceTaskContext {
    const { use, store } = this
    return {
      ...taskContext(this.#run, this.#given, use),
      readOffsets: async (partitions) => {
        this.#run.note(`context.readOffsets(${textOf(partitions)})`)
        this.offsetsAsked = true
        if (this.unreadable !== null) throw this.unreadable
        return partitions.map((partition) => store.read(partition))
      },
      greatestHeader: async (topics, header) => store.greatestHeader(topics, header),
      advanceOffset: (partition, offset) => {
        use.note(`advanceOffset(${textOf(partition)}, ${textOf(offset)})`)
        store.set(partition, offset)
      },
      recovered: () => use.note('recovered()'),
    }
  }
}
