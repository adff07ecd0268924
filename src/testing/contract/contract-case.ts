import { CaseRun } from './case-run.ts'
import { ContractError } from './contract-error.ts'

/** A case of a suite: a name for the test framework, and what it runs. It is independent of all other cases. */
export interface ContractCase {
  /** A sentence about the plugin, without its name. */
  readonly name: string
  /** Resolves if the plugin holds this part of the contract. Rejects with a {@link ContractError} if it does not. */
  readonly run: () => Promise<void>
}

/** What all suites take. */
export interface SuiteOptions {
  /** How long a call of the plugin may take, and how long a case waits for what has to happen. Default 10000. */
  readonly waitMs?: number | undefined
}

/** What a case of a connector runs on, created for that case. */
export interface Closable {
  /** Called at the end of the case, whatever its outcome. */
  readonly close?: (() => Promise<void>) | undefined
}

const defaultWaitMs = 10_000

/** Makes the cases of one plugin. */
export function caseMaker(
  subject: string,
  { waitMs = defaultWaitMs }: SuiteOptions,
): (name: string, body: (run: CaseRun) => Promise<void>) => ContractCase {
  return (name, body) => ({
    name,
    run: async () => {
      const run = new CaseRun({ subject, name, waitMs })
      try {
        await body(run)
      } catch (error) {
        throw error instanceof ContractError ? error : run.impossible(error)
      } finally {
        run.end()
      }
    },
  })
}

/** Runs a case on what `prepare` returns, and closes that. */
export async function withFixture<F extends Closable>(
  run: CaseRun,
  prepare: () => F | Promise<F>,
  body: (fixture: F) => Promise<void>,
): Promise<void> {
  run.note('prepare()')
  const fixture = await prepare()
  try {
    await body(fixture)
  } finally {
    await fixture.close?.()
  }
}
