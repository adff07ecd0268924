import { configCases } from '../connector/config-cases.ts'
import { connectorCases } from '../connector/connector-cases.ts'
import { taskLifeCases } from '../connector/task-life-cases.ts'
import type { ContractCase } from '../contract/contract-case.ts'
import { deliveryCases } from './delivery-cases.ts'
import { SourceHost } from './source-host.ts'
import type { SourceContractOptions, SourceFixture } from './source-options.ts'

/**
 * Returns the cases that a source connector has to pass. Give each to the test framework:
 *
 * ```ts
 * for (const { name, run } of sourceContract({ plugin, prepare })) it(name, run)
 * ```
 */
export function sourceContract<F extends SourceFixture>(options: SourceContractOptions<F>): readonly ContractCase[] {
  const { plugin } = options
  const life = taskLifeCases(options, (run, given) => {
    const host = new SourceHost(run, plugin, given)
    return {
      start: async () => await host.start(),
      work: async () => await host.pollShortly(),
      stop: async () => await host.stop(),
      trouble: () => host.use.condition,
      checkUse: () => host.use.check(),
    }
  })
  return [...configCases(options), ...connectorCases(options), ...deliveryCases(options), ...life]
}
