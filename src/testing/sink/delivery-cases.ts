import { ConnectError, RetriableError } from '../../api/errors.ts'
import { systemClock } from '../../foundation/clock.ts'
import { settledWithin } from '../../foundation/async/deadline.ts'
import type { TopicPartition } from '../../foundation/topic-partition.ts'
import { taskConfigOf } from '../connector/connector-host.ts'
import { describeError, type CaseRun } from '../contract/case-run.ts'
import { caseMaker, withFixture, type ContractCase } from '../contract/contract-case.ts'
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
  const { plugin, prepare, interrupt } = options
  const make = caseMaker(plugin.className, options)
  const makeWith = (name: string, body: (parts: Parts, fixture: F) => Promise<void>): ContractCase =>
    make(name, async (run) => {
      await withFixture(run, prepare, async (fixture) => {
        await onParts(run, fixture, options, async (parts) => await body(parts, fixture))
      })
    })
  const cases = [
    makeWith('delivers records of several topics, and batches without records', deliversAll),
    makeWith('returns no offset that is not durable', staysDurable),
    makeWith('takes the same records again after a crash', takesAgain),
    makeWith('gives partitions up and takes them back', givesUp),
    makeWith('takes partitions back that were lost', takesLostBack),
    makeWith('continues after commits that failed', continuesAfterFailedCommit),
    makeWith('returns the offsets of the topics that were read, whatever transforms call them', knowsOrigin),
    makeWith('takes records without a value, or says why not', takesTombstones),
  ]
  if (interrupt === undefined) return cases
  const continues = makeWith(
    'continues when its system is reachable again',
    async (parts, fixture) => await continuesAfterOutage(parts, async () => await interrupt(fixture)),
  )
  const stops = makeWith(
    'stops while its system is unreachable',
    async (parts, fixture) => await stopsDuringOutage(parts, async () => await interrupt(fixture)),
  )
  return [...cases, continues, stops]
}

/** Runs a case, and stops all tasks that it has created. */
async function onParts(
  run: CaseRun,
  fixture: SinkFixture,
  { plugin, repeats = false }: Pick<SinkContractOptions, 'plugin' | 'repeats'>,
  body: (parts: Parts) => Promise<void>,
): Promise<void> {
  const given = await taskConfigOf(run, plugin, fixture.config)
  const hosts: SinkHost[] = []
  const log = new SinkLog(fixture)
  const host = (): SinkHost => {
    const created = new SinkHost(run, plugin, { given, fixture, log })
    hosts.push(created)
    return created
  }
  try {
    await body({ run, fixture, log, partitions: partitionsOf(fixture), repeats, host })
  } finally {
    for (const each of hosts) await each.stop().catch((error: unknown) => run.note(describeError(error)))
  }
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

async function continuesAfterOutage(parts: Parts, interrupt: () => Promise<() => Promise<void>>): Promise<void> {
  const { run, log, partitions, host } = parts
  const task = host()
  await task.start()
  await task.open(partitions)
  log.append(partitions, 1)
  await task.drain()
  run.note('interrupt()')
  const repair = await interrupt()
  log.append(partitions, recordCount)
  // A sink may fail or wait: the target is reachable again in both cases.
  const putting = task.put().catch((error: unknown) => error)
  await settledWithin(systemClock, outageMs, putting)
  run.note('the system is reachable again')
  await repair()
  const failure = await putting
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
async function stopsDuringOutage(parts: Parts, interrupt: () => Promise<() => Promise<void>>): Promise<void> {
  const { run, log, partitions, host } = parts
  run.watchWork()
  const task = host()
  await task.start()
  await task.open(partitions)
  run.note('interrupt()')
  const repair = await interrupt()
  try {
    log.append(partitions, recordCount)
    const putting = task.put().catch((error: unknown) => error)
    await settledWithin(systemClock, outageMs, putting)
    await task.stop()
    const failure = await putting
    if (failure instanceof ContractError) throw failure
    await run.nothingOpen(rules.stop, 'stop while the system was unreachable')
    task.use.check()
  } finally {
    await repair()
  }
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
