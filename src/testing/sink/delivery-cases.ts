import { ConnectError, RetriableError } from '../../api/errors.ts'
import { systemClock } from '../../foundation/clock.ts'
import { settledWithin } from '../../foundation/async/deadline.ts'
import type { TopicPartition } from '../../foundation/topic-partition.ts'
import { deliverySuite, type Outage } from '../connector/delivery-suite.ts'
import { describeError, type CaseRun } from '../contract/case-run.ts'
import type { ContractCase } from '../contract/contract-case.ts'
import { ContractError } from '../contract/contract-error.ts'
import { rules, type Rule } from '../contract/rules.ts'
import { textOf } from '../data/value-fault.ts'
import { SinkHost } from './sink-host.ts'
import { SinkLog } from './sink-log.ts'
import type { SinkContractOptions, SinkFixture } from './sink-options.ts'
import { partitionsOf } from './sink-topics.ts'

const recordCount = 4
/** How long `put` may wait for a target that is away before it is back. */
const outageMs = 100

interface Parts {
  readonly run: CaseRun
  readonly fixture: SinkFixture
  readonly log: SinkLog
  readonly partitions: ReturnType<typeof partitionsOf>
  readonly repeats: boolean
  /** Creates the task, or the next one on the same log. */
  readonly host: () => SinkHost
}

/** Returns the cases of what a sink delivers, and of the offsets that it returns. */
export function deliveryCases<F extends SinkFixture>(options: SinkContractOptions<F>): readonly ContractCase[] {
  const { plugin, repeats = false } = options
  return deliverySuite(options, {
    partsOf: ({ run, fixture, given, stopped }): Parts => {
      const log = new SinkLog(fixture)
      const host = (): SinkHost => stopped(new SinkHost(run, plugin, { given, fixture, log }))
      return { run, fixture, log, partitions: partitionsOf(fixture), repeats, host }
    },
    cases: [
      ['delivers records of several topics, and batches without records', deliversAll],
      ['returns no offset that is not durable', staysDurable],
      ['takes the same records again after a crash', takesAgain],
      ['gives partitions up and takes them back', givesUp],
      ['takes partitions back that were lost', takesLostBack],
      ['continues after commits that failed', continuesAfterFailedCommit],
      ['returns the offsets of the topics that were read, whatever transforms call them', knowsOrigin],
      ['takes records without a value, or says why not', takesTombstones],
    ],
    continues: continuesAfterOutage,
    stops: stopsDuringOutage,
  })
}

async function deliversAll(parts: Parts): Promise<void> {
  const { log, partitions, host } = parts
  const task = host()
  await task.start()
  await task.commit('acknowledged')
  await task.put()
  await task.open(partitions)
  await task.put()
  log.append(partitions, recordCount)
  await task.drain()
  await checkTarget(parts, rules.put, 'once')
  await end(task, partitions)
}

/** `preCommit` after each batch, without a flush: the host checks what it returns. */
async function staysDurable(parts: Parts): Promise<void> {
  const { log, partitions, host } = parts
  const task = host()
  await task.start()
  await task.open(partitions)
  for (let i = 0; i < recordCount; i += 1) {
    log.append(partitions, 1)
    await task.put()
    await task.commit('acknowledged')
  }
  await task.drain()
  await checkTarget(parts, rules.preCommit, 'once')
  await end(task, partitions)
}

/** The first task is not flushed and commits nothing: its records are delivered again from the beginning. */
async function takesAgain(parts: Parts): Promise<void> {
  const { run, log, partitions, host } = parts
  log.append(partitions, recordCount)
  for (const flushes of [false, true]) {
    const crashing = host()
    await crashing.start()
    await crashing.open(partitions)
    await crashing.deliver()
    if (flushes) await crashing.flush()
    await crashing.commit('failed')
    run.note('the task crashes: nothing of it is committed')
    await crashing.stop()
  }
  const task = host()
  await task.start()
  await task.open(partitions)
  await task.drain()
  await checkTarget(parts, rules.close, 'again')
  await end(task, partitions)
}

async function givesUp(parts: Parts): Promise<void> {
  const { log, partitions, host } = parts
  const [kept, moved, other] = partitions
  const task = host()
  await task.start()
  await task.open(partitions)
  log.append(partitions, recordCount)
  await task.deliver()
  await task.close([moved, other])
  log.append([kept], 1)
  await task.deliver()
  await task.commit('acknowledged')
  log.append([moved], 1)
  await task.open([moved])
  await task.open([other])
  await task.drain()
  await checkTarget(parts, rules.close, 'again')
  await end(task, partitions)
}

async function takesLostBack(parts: Parts): Promise<void> {
  const { log, partitions, host } = parts
  const [, ...lost] = partitions
  const task = host()
  await task.start()
  await task.open(partitions)
  log.append(partitions, recordCount)
  await task.deliver()
  await task.close(lost, true)
  await task.put()
  await task.commit('acknowledged')
  await task.open(lost)
  await task.drain()
  await checkTarget(parts, rules.close, 'again')
  await end(task, partitions)
}

async function continuesAfterFailedCommit(parts: Parts): Promise<void> {
  const { log, partitions, host } = parts
  const task = host()
  await task.start()
  await task.open(partitions)
  for (let i = 0; i < 2; i += 1) {
    log.append(partitions, recordCount / 2)
    await task.deliver()
    await task.flush()
    await task.commit('failed')
  }
  await task.drain()
  await checkTarget(parts, rules.commitFailed, 'again')
  await end(task, partitions)
}

/** A transform gives the records of one topic the name of the other, whose partitions are not assigned. */
async function knowsOrigin(parts: Parts): Promise<void> {
  const { log, partitions, host } = parts
  const [first, , { topic }] = partitions
  const task = host()
  await task.start()
  await task.open([first])
  log.append([first], recordCount, topic)
  await task.drain()
  await checkTarget(parts, rules.originalTopic, 'once')
  await end(task, [first])
}

/** A sink that refuses such records names the reason. It is up to the sink what the target has of the key afterwards. */
async function takesTombstones({ run, log, partitions, host, fixture }: Parts): Promise<void> {
  const [first, second] = partitions
  const task = host()
  await task.start()
  await task.open([first, second])
  log.appendTombstone(first)
  log.append([second], 1)
  log.appendTombstone(second)
  log.append([second], 1)
  try {
    await task.deliver()
    await task.flush()
  } catch (error) {
    if (error instanceof ContractError || !(error instanceof ConnectError)) throw error
    return
  }
  const last = log.from(second, log.end(second) - 1).map(fixture.identify)
  const isThere = async (): Promise<boolean> => {
    await task.put()
    await task.flush()
    const delivered = await fixture.delivered()
    return last.every((name) => name === null || delivered.includes(name))
  }
  if (!(await run.until(isThere)))
    throw run.broken(rules.put, `the record after one without a value did not reach the target: ${textOf(last)}.`)
}

async function continuesAfterOutage(parts: Parts, outage: Outage): Promise<void> {
  const { run, log, partitions, host } = parts
  const task = host()
  await task.start()
  await task.open(partitions)
  log.append(partitions, 1)
  await task.drain()
  const putting = await outage(async () => await putsWhileAway(parts, task))
  const failure = await putting.failure
  if (failure instanceof ContractError) throw failure
  if (failure instanceof Error && !(failure instanceof RetriableError)) {
    const did = `while its system was unreachable, put failed with ${describeError(failure)}, which is not retried.`
    throw run.broken(rules.putErrors, did, failure)
  }
  await task.drain()
  await checkTarget(parts, rules.putErrors, 'again')
  await end(task, partitions)
}

/** The worker stops a task whose `put` does not return soon. */
async function stopsDuringOutage(parts: Parts, outage: Outage): Promise<void> {
  const { run, partitions, host } = parts
  run.watchWork()
  const task = host()
  await task.start()
  await task.open(partitions)
  await outage(async () => {
    const putting = await putsWhileAway(parts, task)
    await task.stop()
    const failure = await putting.failure
    if (failure instanceof ContractError) throw failure
    await run.nothingOpen(rules.stop, 'stop while the system was unreachable')
    task.use.check()
  })
}

/** A sink may fail or wait: `failure` is the error of `put`, or null if it has none, once it has ended. */
async function putsWhileAway(
  { log, partitions }: Parts,
  task: SinkHost,
): Promise<{ readonly failure: Promise<unknown> }> {
  log.append(partitions, recordCount)
  const failure = task.put().then(
    () => null,
    (error: unknown) => error,
  )
  await settledWithin(systemClock, outageMs, failure)
  return { failure }
}

async function end(task: SinkHost, partitions: readonly TopicPartition[]): Promise<void> {
  await task.close(partitions)
  await task.stop()
}

/** Checks that the target has each record: once, or at least once if records were delivered again and the sink repeats them. */
async function checkTarget(
  { run, fixture, log, partitions, repeats }: Parts,
  rule: Rule,
  deliveries: 'once' | 'again',
): Promise<void> {
  const found = await fixture.delivered()
  const expected = partitions.flatMap((at) => log.from(at, 0)).flatMap((record) => fixture.identify(record) ?? [])
  const fail = (did: string): Error =>
    run.broken(
      rule,
      `${did}\n  in the target: ${textOf(found.toSorted())}\n  expected:      ${textOf(expected.toSorted())}`,
    )
  const missing = expected.find((name) => !found.includes(name))
  if (missing !== undefined) throw fail(`the target does not have the record ${missing}.`)
  const stranger = found.find((name) => !expected.includes(name))
  if (stranger !== undefined) throw fail(`the target has the record ${stranger}, which was not delivered.`)
  const twice = found.find((name, index) => found.indexOf(name) !== index)
  if (twice !== undefined && !(repeats && deliveries === 'again')) {
    throw fail(`the target has the record ${twice} twice. If a repetition is harmless there, set \`repeats\`.`)
  }
}
