import { ContractError, type ContractCase } from 'penstock/testing'
import { expect } from 'vitest'

/** How long a case waits for what a broken plugin never does. */
export const brokenWaitMs = 300

/** Runs the case of that name, and returns the error with which the plugin breaks it. */
export async function violationOf(cases: readonly ContractCase[], name: string): Promise<ContractError> {
  const found = cases.find((each) => each.name === name)
  if (found === undefined) throw new TypeError(`no case "${name}", only: ${cases.map((each) => each.name).join('; ')}`)
  const failure = await found.run().then(
    () => null,
    (error: unknown) => error,
  )
  expect(failure, `the case "${name}" passed`).not.toBeNull()
  if (!(failure instanceof ContractError)) throw failure
  return failure
}
