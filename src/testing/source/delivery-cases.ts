import { ConnectError, RetriableError } from '../../api/errors.ts'
import type { SourceRecord } from '../../api/record.ts'
import { scheduler } from 'node:timers/promises'
import { deliverySuite, type Outage } from '../connector/delivery-suite.ts'
import { describeError, type CaseRun } from '../contract/case-run.ts'
import type { ContractCase } from '../contract/contract-case.ts'
import { ContractError } from '../contract/contract-error.ts'
import { rules } from '../contract/rules.ts'
import type { SourceStore } from '../host/source-store.ts'
import { Expectation } from './expectation.ts'
import { SourceHost } from './source-host.ts'
import type { SourceContractOptions, SourceFixture } from './source-options.ts'

/** How many records a case reads: enough to stop after each of them. */
const recordCount = 6
/** When the signal of `poll` fires, in turns of the event loop. */
const triedTurns = [0, 1, 2, 3, 5, 8, 20]

interface Parts {
  readonly run: CaseRun
  readonly expectation: Expectation
  /** Creates the task, or the next one on the same offsets. */
  readonly host: (store?: SourceStore) => SourceHost
}

/** Returns the cases of what a source delivers, and of where it continues. */
export function deliveryCases<F extends SourceFixture>(options: SourceContractOptions<F>): readonly ContractCase[] {
  const { plugin, endless = false } = options
  return deliverySuite(options, {
    partsOf: ({ run, fixture, given, stopped }): Parts => ({
      run,
      expectation: new Expectation(run, fixture, endless),
      host: (store) => stopped(new SourceHost(run, plugin, given, store)),
    }),
    cases: [
      ['delivers all records in order', deliversAll],
      ['resumes exactly after the offset of any record', resumesAnywhere],
      ['ends poll when its signal fires, and loses nothing', losesNothing],
      ['does not start without its stored offsets', needsOffsets],
    ],
    continues: continuesAfterOutage,
    stops: stopsDuringOutage,
  })
}

async function deliversAll({ expectation, host }: Parts): Promise<void> {
  await expectation.add(recordCount / 2)
  const task = host()
  await task.start()
  await expectation.collect(task)
  await expectation.add(recordCount / 2)
  await expectation.collect(task)
  await task.commit(task.records)
  await task.pollShortly()
  expectation.check(task.records, rules.poll)
  await task.stop()
}

/**
 * One more record is durable in each run of the task, whatever it has read ahead. The task learns of every second one: it may
 * be killed before.
 */
async function resumesAnywhere({ run, expectation, host }: Parts): Promise<void> {
  await expectation.add(recordCount)
  const durable: SourceRecord[] = []
  let store: SourceStore | undefined
  for (let stored = 1; stored < recordCount; stored += 1) {
    const task = host(store)
    store = task.store
    await task.start()
    await expectation.collectNext(task, durable)
    const next = expectation.firstOf(task.records)
    durable.push(...next)
    run.note(`record ${stored} and its offset are durable`)
    if (stored % 2 === 1) await task.commit(next)
    else task.store.store(next)
    expectation.checkNothingWrong(durable, rules.sourceOffset)
    await task.stop()
  }
  const last = host(store)
  await last.start()
  await expectation.collect(last, recordCount - expectation.count(durable))
  expectation.check([...durable, ...last.records], rules.sourceOffset)
  await last.stop()
}

async function losesNothing({ run, expectation, host }: Parts): Promise<void> {
  const task = host()
  await task.start()
  await task.poll(AbortSignal.abort(new ConnectError('the task is paused')))
  for (const turns of triedTurns) {
    await expectation.add(1)
    const pause = new AbortController()
    run.note(`the signal fires after ${turns} turns of the event loop:`)
    const polling = task.poll(pause.signal)
    for (let i = 0; i < turns; i += 1) await scheduler.yield()
    pause.abort(new ConnectError('the task is paused'))
    await polling
  }
  await expectation.collect(task)
  await task.pollShortly()
  expectation.check(task.records, rules.poll)
  await task.stop()
}

/** A source that has no offsets to read passes: it makes no such call. */
async function needsOffsets({ run, expectation, host }: Parts): Promise<void> {
  await expectation.add(1)
  const task = host()
  task.unreadable = new ConnectError('the offset topic cannot be read')
  let hasRead = false
  try {
    await task.start()
    await task.pollShortly()
    hasRead = task.records.length > 0
  } catch (error) {
    if (error instanceof ContractError) throw error
  }
  if (hasRead && task.offsetsAsked)
    throw run.broken(rules.readOffsets, 'readOffsets failed, and the task returned records all the same.')
}

async function continuesAfterOutage({ run, expectation, host }: Parts, outage: Outage): Promise<void> {
  const task = host()
  await expectation.add(2)
  await task.start()
  await expectation.collect(task)
  await outage(async () => {
    try {
      await task.pollShortly()
    } catch (error) {
      if (error instanceof ContractError) throw error
      const did = `while its system was unreachable, it failed with ${describeError(error)}, which is not retried.`
      if (!(error instanceof RetriableError)) throw run.broken(rules.pollErrors, did, error)
    }
  })
  await expectation.add(2)
  await expectation.collect(task)
  expectation.check(task.records, rules.poll)
  await task.stop()
}

async function stopsDuringOutage({ run, expectation, host }: Parts, outage: Outage): Promise<void> {
  run.watchWork()
  const task = host()
  await expectation.add(2)
  await task.start()
  await expectation.collect(task)
  await outage(async () => {
    await task.pollShortly().catch((error: unknown) => {
      if (error instanceof ContractError) throw error
    })
    await task.stop()
    await run.nothingOpen(rules.stop, 'stop while the system was unreachable')
    task.use.check()
  })
}
