import type { ParsedConfig, RawConfig } from '../../api/config-def.ts'
import type { TaskContext } from '../../api/task.ts'
import { systemClock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { Meters } from '../../foundation/metrics/meters.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { rules } from '../contract/rules.ts'

/** The config of a task or connector, as the worker gives it. */
export interface GivenConfig {
  readonly config: ParsedConfig
  readonly raw: RawConfig
}

/** Notes what a task does with its context after its `stop` has returned. */
export class ContextUse {
  readonly #run: CaseRun
  /** What the task says that it waits for or skips; null if it says nothing. */
  condition: string | null = null
  #stopped = false
  #late: string | null = null

  constructor(run: CaseRun) {
    this.#run = run
  }

  stopped(): void {
    this.#stopped = true
  }

  note(what: string): void {
    this.#run.note(`context.${what}`)
    if (this.#stopped) this.#late ??= what
  }

  /** @throws ContractError if the context was used after `stop` */
  check(): void {
    if (this.#late !== null)
      throw this.#run.broken(rules.stop, `it called context.${this.#late} after stop had returned.`)
  }
}

/** Returns a logger whose warnings and errors are among the calls that a message shows. */
export function caseLogger(run: CaseRun, name = 'test'): Logger {
  const quiet = (): void => undefined
  const shown =
    (level: string) =>
    (message: string): void =>
      run.note(`logger.${level}: ${message}`)
  return {
    name,
    trace: quiet,
    debug: quiet,
    info: quiet,
    warn: shown('warn'),
    error: shown('error'),
    child: (child) => caseLogger(run, `${name}.${child}`),
  }
}

/** Returns the part of the context that both kinds of task have: real time, real instruments. */
export function taskContext(run: CaseRun, { config, raw }: GivenConfig, use: ContextUse): TaskContext {
  return {
    connector: raw['name'] ?? 'contract',
    task: 0,
    config,
    raw,
    logger: caseLogger(run),
    clock: systemClock,
    metrics: new Meters(),
    setCondition: (code, message) => {
      use.condition = message
      if (message !== null) use.note(`setCondition(${code}, ${message})`)
    },
  }
}
