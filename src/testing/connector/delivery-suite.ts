import { describeError, type CaseRun } from '../contract/case-run.ts'
import { caseMaker, withFixture, type ContractCase } from '../contract/contract-case.ts'
import type { GivenConfig } from '../host/task-context.ts'
import { taskConfigOf } from './connector-host.ts'
import type { ConnectorFixture, ConnectorOptions, Interruptible } from './connector-options.ts'

/** A task of either kind that a case has created. */
interface CreatedTask {
  stop(): Promise<void>
}

/** What a case of deliveries is given. */
export interface DeliveryCase<F> {
  readonly run: CaseRun
  readonly fixture: F
  readonly given: GivenConfig
  /** Has the task stopped at the end of the case. Returns it. */
  readonly stopped: <T extends CreatedTask>(task: T) => T
}

/** Makes the system unreachable, and reachable again when `body` has ended, whatever its outcome. */
export type Outage = <T>(body: () => Promise<T>) => Promise<T>

/** What sources and sinks each do in the cases of deliveries. */
export interface DeliverySuite<F, P> {
  /** Returns what the bodies of the cases work with. */
  readonly partsOf: (made: DeliveryCase<F>) => P
  readonly cases: readonly (readonly [name: string, body: (parts: P) => Promise<void>])[]
  /** These two run only if the options say how to interrupt the system. */
  readonly continues: (parts: P, outage: Outage) => Promise<void>
  readonly stops: (parts: P, outage: Outage) => Promise<void>
}

/** Returns the cases of what a connector delivers. All tasks that a case has created are stopped at its end. */
export function deliverySuite<F extends ConnectorFixture, P>(
  options: ConnectorOptions<F> & Interruptible<F>,
  { partsOf, cases, continues, stops }: DeliverySuite<F, P>,
): readonly ContractCase[] {
  const { plugin, prepare, interrupt } = options
  const make = caseMaker(plugin.className, options)
  const makeWith = (name: string, body: (parts: P, run: CaseRun, fixture: F) => Promise<void>): ContractCase =>
    make(name, async (run) => {
      await withFixture(run, prepare, async (fixture) => {
        const given = await taskConfigOf(run, plugin, fixture.config)
        const tasks: CreatedTask[] = []
        const stopped = <T extends CreatedTask>(task: T): T => {
          tasks.push(task)
          return task
        }
        try {
          await body(partsOf({ run, fixture, given, stopped }), run, fixture)
        } finally {
          for (const task of tasks) await task.stop().catch((error: unknown) => run.note(describeError(error)))
        }
      })
    })
  const always = cases.map(([name, body]) => makeWith(name, body))
  if (interrupt === undefined) return always
  const makeDuring = (name: string, body: DeliverySuite<F, P>['stops']): ContractCase =>
    makeWith(
      name,
      async (parts, run, fixture) =>
        await body(
          parts,
          outageOf(run, async () => await interrupt(fixture)),
        ),
    )
  return [
    ...always,
    makeDuring('continues when its system is reachable again', continues),
    makeDuring('stops while its system is unreachable', stops),
  ]
}

function outageOf(run: CaseRun, interrupt: () => Promise<() => Promise<void>>): Outage {
  return async (body) => {
    run.note('interrupt()')
    const repair = await interrupt()
    try {
      return await body()
    } finally {
      run.note('the system is reachable again')
      await repair()
    }
  }
}
