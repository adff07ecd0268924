import type { RawConfig } from '../../api/config-def.ts'
import type { ConnectorPlugin } from '../../api/connector.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { caseMaker, withFixture, type ContractCase } from '../contract/contract-case.ts'
import { rules } from '../contract/rules.ts'
import { shown, textOf } from '../data/value-fault.ts'
import { ConnectorHost } from './connector-host.ts'
import type { ConnectorOptions } from './connector-options.ts'
import { givenConfig } from './given-config.ts'

const triedMaxTasks = [1, 2, 3, 8]

/** Returns the cases of a connector instance, which configures the tasks. */
export function connectorCases(options: ConnectorOptions): readonly ContractCase[] {
  const { plugin, prepare } = options
  const make = caseMaker(plugin.className, options)
  const withConnector = async (run: CaseRun, body: (host: ConnectorHost) => Promise<void>): Promise<void> => {
    await withFixture(run, prepare, async ({ config }) => await body(new ConnectorHost(run, plugin, config)))
  }
  return [
    make('configures at most as many tasks as it may', async (run) => {
      await withConnector(run, async (host) => {
        await host.start()
        for (const maxTasks of triedMaxTasks) await configuresTasks(run, { host, plugin, maxTasks })
        await host.stop()
      })
    }),
    make('stops its connector at any time, and leaves nothing open', async (run) => {
      await withConnector(run, async (host) => {
        run.watchWork()
        await host.stop()
        await host.start()
        await host.taskConfigs(1)
        await host.stop()
        await host.stop()
        await run.nothingOpen(rules.connectorStop, 'stop of the connector')
      })
    }),
  ]
}

async function configuresTasks(
  run: CaseRun,
  {
    host,
    plugin,
    maxTasks,
  }: { readonly host: ConnectorHost; readonly plugin: ConnectorPlugin; readonly maxTasks: number },
): Promise<void> {
  const configs: unknown = await host.taskConfigs(maxTasks)
  if (!Array.isArray(configs))
    throw run.broken(rules.taskConfigs, `taskConfigs(${maxTasks}) returned ${shown(configs)}.`)
  if (configs.length === 0 || configs.length > maxTasks)
    throw run.broken(rules.taskConfigs, `taskConfigs(${maxTasks}) returned ${configs.length} configs.`)
  for (const config of configs as readonly RawConfig[]) {
    const wrong = Object.entries(config).find(([, value]) => typeof value !== 'string')
    if (wrong !== undefined)
      throw run.broken(
        rules.taskConfigs,
        `taskConfigs(${maxTasks}) returned a config whose ${wrong[0]} is ${shown(wrong[1])}, not a string.`,
      )
    await run.call('parsing a config of taskConfigs', rules.taskConfigs, () => givenConfig(plugin.configDef, config))
  }
  const again = await host.taskConfigs(maxTasks)
  if (textOf(again) !== textOf(configs))
    throw run.broken(
      rules.taskConfigs,
      `two calls of taskConfigs(${maxTasks}) returned different configs, so each would restart the tasks.`,
    )
}
