import { ConnectError } from '../../api/errors.ts'
import type { RawConfig } from '../../api/config-def.ts'
import { scheduler } from 'node:timers/promises'
import { describeError, type CaseRun } from '../contract/case-run.ts'
import { caseMaker, withFixture, type ContractCase } from '../contract/contract-case.ts'
import { ContractError } from '../contract/contract-error.ts'
import { rules } from '../contract/rules.ts'
import type { ConnectorFixture, ConnectorOptions } from './connector-options.ts'
import type { GivenConfig } from '../host/task-context.ts'
import { taskConfigOf } from './connector-host.ts'
import { changed } from './given-config.ts'

/** A task of either kind, as these cases need it. */
export interface LivingTask {
  start(): Promise<void>
  /** Something short that the task does between `start` and `stop`. */
  work(): Promise<void>
  /** What the task says that it waits for: its condition, or its last RetriableError. Null if it says nothing. */
  trouble(): string | null
  stop(): Promise<void>
  /** @throws ContractError if the task used its context after `stop` */
  checkUse(): void
}

/** Creates a task that is not started. */
export type CreateTask<F> = (run: CaseRun, given: GivenConfig, fixture: F) => LivingTask

/** When `stop` is called after `start`, in turns of the event loop. */
const triedTurns = [0, 1, 2, 5, 20]

/** Returns the cases of the life of a task: its start and its end. */
export function taskLifeCases<F extends ConnectorFixture>(
  options: ConnectorOptions<F>,
  create: CreateTask<F>,
): readonly ContractCase[] {
  const { plugin, prepare, unusable } = options
  const make = caseMaker(plugin.className, options)
  const makeWith = (
    name: string,
    body: (run: CaseRun, createTask: (change?: RawConfig) => Promise<LivingTask>) => Promise<void>,
  ): ContractCase =>
    make(name, async (run) => {
      await withFixture(run, prepare, async (fixture) => {
        run.watchWork()
        await body(run, async (change = {}) => {
          return create(run, await taskConfigOf(run, plugin, changed(fixture.config, change)), fixture)
        })
      })
    })
  const cases = [
    makeWith('leaves nothing open when it stops', async (run, createTask) => {
      const task = await createTask()
      await task.start()
      await task.work()
      await stopTwice(run, task)
    }),
    makeWith('stops before it was started', async (run, createTask) => await stopTwice(run, await createTask())),
    makeWith('stops while it starts', async (run, createTask) => {
      for (const turns of triedTurns) await stopsDuringStart(run, await createTask(), turns)
    }),
  ]
  if (unusable === undefined) return cases
  const fails = makeWith(
    'names why it cannot work, and stops then',
    async (run, createTask) => await namesWhy(run, async () => await createTask(unusable)),
  )
  return [...cases, fails]
}

async function stopTwice(run: CaseRun, task: LivingTask): Promise<void> {
  await task.stop()
  await task.stop()
  await run.nothingOpen(rules.stop, 'stop')
  task.checkUse()
}

/** The worker calls `stop` without waiting for `start`, which has to end soon then. */
async function stopsDuringStart(run: CaseRun, task: LivingTask, turns: number): Promise<void> {
  run.note(`stop after ${turns} turns of the event loop:`)
  const started = task.start().then(
    () => null,
    (error: unknown) => error,
  )
  for (let i = 0; i < turns; i += 1) await scheduler.yield()
  await task.stop()
  const failure = await started
  if (failure instanceof ContractError) throw failure
  await run.nothingOpen(rules.stop, 'stop was called while start ran')
  await stopTwice(run, task)
}

/** A connector or task may fail; a task that waits for its system by itself says so with a condition. */
async function namesWhy(run: CaseRun, createTask: () => Promise<LivingTask>): Promise<void> {
  let task: LivingTask | null = null
  const failure = await failureOf(run, async () => (task = await createTask()))
  if (failure instanceof ContractError) throw failure
  if (failure !== null && (!(failure instanceof ConnectError) || failure.message.trim() === ''))
    throw run.broken(rules.errors, `it failed with ${describeError(failure)}, which names nothing.`)
  if (task !== null) await stopTwice(run, task)
}

async function failureOf(run: CaseRun, createTask: () => Promise<LivingTask>): Promise<unknown> {
  try {
    const task = await createTask()
    await task.start()
    const isShown = await run.until(async () => {
      await task.work()
      return task.trouble() !== null
    })
    const did = `in ${run.waitMs} ms with the config \`unusable\`, it neither failed nor raised a condition.`
    return isShown ? null : run.broken(rules.errors, did)
  } catch (error) {
    return error
  }
}
