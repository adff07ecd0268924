import { configEntry, foldConfigs, type ConfigFold } from '../config/config-fold.ts'
import { until } from '../until.ts'
import { ChaosCalls, type Disturbance } from './chaos-calls.ts'
import { connectorNames, sinks, sources, topicOf } from './chaos-connectors.ts'
import { ChaosGroup, last } from './chaos-group.ts'
import { planSteps, workerCount, type Batches, type ChaosPlan, type Fault, type Step } from './chaos-plan.ts'
import { checkData, hasAllLines } from './data-check.ts'
import { DoubleRunWatch } from './double-run-watch.ts'
import { groupFaults, runningTasks, writeFaults } from './group-check.ts'
import { GroupReader } from './group-reader.ts'
import { LineWriter } from './line-writer.ts'
import type { Trouble } from './rest-outcomes.ts'
import { Transcript } from './transcript.ts'

/** What a run has found. */
export interface ChaosReport {
  /** What is wrong; empty when nothing is. */
  readonly faults: readonly string[]
  readonly counts: Readonly<Record<string, number>>
  /** Everything that was done, to be shown with the faults. */
  readonly transcript: string
}

type FaultStep = Extract<Step, { readonly type: 'fault' }>

/** A group that has not become what its config topic says for so long never will. */
const settleMs = 120_000
/** How often the tasks of a frozen worker are looked for elsewhere, and the time between. */
const takeOverLooks = 50
const lookMs = 100
/** Workers say with these words that records may come again. */
const announcement = /will be (?:delivered|read) again|records may be repeated/

/**
 * Sends random requests to three workers, and does to them and to their broker what the plan says, while data flows. Then
 * compares what the group shows, runs and has written with its topics, as another client reads them.
 * CHAOS_KEEP=1 keeps the files of a run that fails.
 */
export async function runWorkerChaos(plan: ChaosPlan): Promise<ChaosReport> {
  const transcript = new Transcript(plan.seed)
  const group = await ChaosGroup.start()
  const run = new Run(group, transcript, plan)
  let faults: readonly string[] = ['the run has ended early']
  try {
    faults = await run.all()
  } catch (error) {
    faults = [String(error instanceof Error ? error.stack : error)]
  } finally {
    await run.close()
    const keeps = faults.length > 0 && process.env['CHAOS_KEEP'] === '1'
    if (keeps) transcript.note(`keeps ${group.directory}`)
    await group.close(keeps)
  }
  return { faults, counts: run.counts, transcript: transcript.text }
}

class Run {
  readonly #group: ChaosGroup
  readonly #note: Transcript['note']
  readonly #calls: ChaosCalls
  readonly #reader: GroupReader
  readonly #writer: LineWriter
  readonly #plan: ChaosPlan
  /** Null where workers are frozen: they run their tasks until they have heard that these are others'. */
  readonly #watch: DoubleRunWatch | null
  readonly #faults: Disturbance[] = []
  readonly #counts: Record<string, number> = {}

  constructor(group: ChaosGroup, { note }: Transcript, plan: ChaosPlan) {
    this.#plan = plan
    this.#group = group
    this.#note = note
    this.#calls = new ChaosCalls({ group, note })
    this.#reader = new GroupReader(group.bootstrap)
    this.#writer = new LineWriter(group.directory)
    this.#watch = plan.faults === 'graceful' ? new DoubleRunWatch(group) : null
  }

  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts, ...this.#calls.counts }
  }

  /** Returns what is wrong. */
  async all(): Promise<readonly string[]> {
    for (const step of planSteps(this.#plan)) {
      await this.#forgetTroubles()
      if (step.type === 'calls') await this.#send(step.batches)
      else await this.#during(step)
      this.#calls.settle()
    }
    const settled = await this.#settled()
    return [...this.#calls.unexpected, ...settled, ...(await this.#data()), ...(this.#watch?.found ?? [])]
  }

  async close(): Promise<void> {
    await this.#watch?.close()
    await this.#writer.close()
  }

  async #send(batches: Batches): Promise<void> {
    for (const batch of batches) await Promise.all(batch.map(async (sent) => await this.#calls.send(sent)))
  }

  /** What has happened explains no response any more once the group is whole. */
  async #forgetTroubles(): Promise<void> {
    if (this.#calls.troubles.size > 0 && (await this.#reader.members()) === workerCount) this.#calls.troubles.clear()
  }

  async #during({ fault, during, later }: FaultStep): Promise<void> {
    const from = Date.now()
    const what = JSON.stringify(fault)
    this.#note(`begins: ${what}`)
    this.#counts[fault.type] = (this.#counts[fault.type] ?? 0) + 1
    const trouble: Trouble = fault.type === 'roll' ? 'terminate' : fault.type
    this.#calls.troubles.add(trouble)
    await this.#suffer(fault, during, later)
    this.#note(`is over: ${what}`)
    if (trouble !== 'terminate') this.#faults.push({ what, from, to: Date.now() })
  }

  async #suffer(fault: Fault, during: Batches, later: Batches): Promise<void> {
    const group = this.#group
    switch (fault.type) {
      case 'kill':
        await Promise.all([group.kill(fault.worker), this.#send(during)])
        await this.#send(later)
        return await group.restart(fault.worker)
      case 'freeze': {
        const ran = await runningTasks(group.urlOf(fault.worker))
        group.freeze(fault.worker)
        const pending = [
          this.#calls.send({ worker: fault.worker, call: fault.pending }),
          this.#send(elsewhere(during, fault.worker)),
        ]
        await until('the frozen worker is removed', async () => (await this.#reader.members()) === workerCount - 1)
        await this.#takenOver(ran)
        await this.#send(elsewhere(later, fault.worker))
        group.thaw(fault.worker)
        await Promise.all(pending)
        return
      }
      case 'terminate':
        await Promise.all([this.#terminate(fault.worker), this.#send(during)])
        await this.#send(later)
        return await group.restart(fault.worker)
      case 'roll':
        for (const [worker, calls] of [during, [], later].entries()) {
          await Promise.all([this.#terminate(worker), this.#send(calls)])
          await group.restart(worker)
        }
        return
      case 'kill-broker': {
        await group.killBroker()
        const sent = this.#send(during)
        await last(fault.downMs)
        await group.restartBroker()
        await this.#send(later)
        return await sent
      }
    }
  }

  /** Waits until others run these tasks, and not long: a request may have changed what is to run. */
  async #takenOver(tasks: readonly string[]): Promise<void> {
    for (let look = 0; look < takeOverLooks; look += 1) {
      const running = await Promise.all(
        this.#group.running.map(async (at) => await runningTasks(this.#group.urlOf(at))),
      )
      if (tasks.every((task) => running.flat().includes(task))) return
      await last(lookMs)
    }
  }

  async #terminate(worker: number): Promise<void> {
    const code = await this.#group.terminate(worker)
    if (code !== 0) this.#calls.unexpected.push(`worker ${worker} ended with ${code} after SIGTERM`)
  }

  /** Waits until the group is what the config topic says. Returns what it is not. */
  async #settled(): Promise<readonly string[]> {
    this.#note('the faults have ended; the group settles')
    const configs = this.#reader.follow(ChaosGroup.configTopic)
    const fold = (): ConfigFold => foldConfigs(configs.records.map(configEntry))
    let faults: readonly string[] = ['it was not looked at']
    try {
      await until(
        'the group is what the config topic says',
        async () => {
          await configs.caughtUp()
          const isWhole = (await this.#reader.members()) === workerCount
          faults = isWhole ? await groupFaults(this.#group, fold()) : ['the group rebalances']
          return faults.length === 0
        },
        settleMs,
      ).catch(() => this.#note('the group does not settle'))
      return [...faults, ...writeFaults(fold(), this.#calls)]
    } finally {
      await configs.close()
    }
  }

  /** Runs everything until all data has arrived. Returns what has not. */
  async #data(): Promise<readonly string[]> {
    this.#note('all connectors are started')
    for (const name of connectorNames) {
      await this.#calls.send({ worker: 0, call: { type: 'create', name, tag: -1, tasks: 1, state: null } })
      await this.#calls.send({ worker: 0, call: { type: 'resume', name } })
    }
    await this.#writer.close()
    const { directory } = this.#group
    const { written } = this.#writer
    await this.#arrived('every line is in its topic', async () => {
      const ends = await Promise.all(sources.map(async (source) => await this.#reader.end(topicOf(source))))
      return ends.every((end) => end >= written)
    })
    await this.#arrived('every record is in the files of the sinks', async () =>
      sinks.every((sink) => hasAllLines(directory, sink, written)),
    )
    await this.#arrived('the offset of every record is committed', async () => await this.#isCommitted())
    const report = await checkData(this.#reader, {
      directory,
      written,
      faults: this.#faults,
      offsetChanges: this.#calls.offsetChanges,
      repeatsAreAnnounced: announcement.test(this.#group.output),
    })
    Object.assign(this.#counts, {
      lines: written * sources.length,
      'repeated records': report.repeatedRecords,
      'repeated lines': report.repeatedLines,
    })
    return report.faults
  }

  async #isCommitted(): Promise<boolean> {
    const pairs = sinks.flatMap((sink) => sources.map((source) => ({ sink, topic: topicOf(source) })))
    const lags = await Promise.all(
      pairs.map(
        async ({ sink, topic }) => (await this.#reader.end(topic)) - (await this.#reader.committed(sink, topic)),
      ),
    )
    return lags.every((lag) => lag === 0)
  }

  /** What does not arrive is found by the checks after it. */
  async #arrived(what: string, holds: () => Promise<boolean>): Promise<void> {
    await until(what, holds, settleMs).catch(() => this.#note(`not: ${what}`))
  }
}

/** The calls at workers that can respond. */
function elsewhere(calls: Batches, frozen: number): Batches {
  return calls.map((batch) =>
    batch.map((sent) => (sent.worker === frozen ? { ...sent, worker: (frozen + 1) % workerCount } : sent)),
  )
}
