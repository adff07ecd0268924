import { configCases } from '../connector/config-cases.ts'
import { connectorCases } from '../connector/connector-cases.ts'
import { taskLifeCases, type LivingTask } from '../connector/task-life-cases.ts'
import type { ContractCase } from '../contract/contract-case.ts'
import { deliveryCases } from './delivery-cases.ts'
import { SinkHost } from './sink-host.ts'
import { SinkLog } from './sink-log.ts'
import type { SinkContractOptions, SinkFixture } from './sink-options.ts'
import { topicsOf } from './sink-topics.ts'

/**
 * Returns the cases that a sink connector has to pass. Give each to the test framework:
 *
 * ```ts
 * for (const { name, run } of sinkContract({ plugin, prepare })) it(name, run)
 * ```
 */
export function sinkContract<F extends SinkFixture>(options: SinkContractOptions<F>): readonly ContractCase[] {
  const { plugin } = options
  const life = taskLifeCases(options, (run, given, fixture): LivingTask => {
    const log = new SinkLog(fixture)
    const host = new SinkHost(run, plugin, { given, fixture, log })
    const [first] = topicsOf(fixture)
    const partitions = [{ topic: first, partition: 0 }]
    let isOpen = false
    return {
      start: async () => await host.start(),
      work: async () => {
        if (!isOpen) await host.open(partitions)
        isOpen = true
        log.append(partitions, 1)
        await host.put()
        await host.commit('failed')
      },
      stop: async () => await host.stop(),
      trouble: () => host.use.condition ?? host.refusal,
      checkUse: () => host.use.check(),
    }
  })
  return [...configCases(options), ...connectorCases(options), ...deliveryCases(options), ...life]
}
