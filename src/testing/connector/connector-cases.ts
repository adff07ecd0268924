import type { RawConfig } from '../../api/config-def.ts'
import type { Connector } from '../../api/connector.ts'
import { parseConfig } from '../../config/definition/parse-config.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { caseMaker, withFixture, type ContractCase } from '../contract/contract-case.ts'
import { rules } from '../contract/rules.ts'
import { shown, textOf } from '../data/value-fault.ts'
import { caseLogger, type GivenConfig } from '../host/task-context.ts'
import type { ConnectorOptions } from './connector-options.ts'
import { givenConfig } from './given-config.ts'

const triedMaxTasks = [1, 2, 3, 8]

/** Returns the cases of a connector instance, which configures the tasks. */
export function connectorCases(options: ConnectorOptions): readonly ContractCase[] {
  const { plugin, prepare } = options
  const make = caseMaker(plugin.className, options)
  const withConnector = async (run: CaseRun, body: (host: ConnectorHost) => Promise<void>): Promise<void> => {
    await withFixture(run, prepare, async ({ config }) => await body(new ConnectorHost(run, options, config)))
  }
  return [
    make('configures at most as many tasks as it may', async (run) => {
      await withConnector(run, async (host) => {
        await host.start()
        for (const maxTasks of triedMaxTasks) await configuresTasks(run, host, maxTasks)
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

/** A connector instance as the plugin thread runs one. */
class ConnectorHost {
  readonly #run: CaseRun
  readonly #given: GivenConfig
  readonly #connector: Connector
  readonly parsesTo: (raw: RawConfig) => void

  constructor(run: CaseRun, { plugin }: ConnectorOptions, raw: RawConfig) {
    this.#run = run
    this.#given = givenConfig(plugin.configDef, raw)
    this.#connector = plugin.createConnector()
    this.parsesTo = (taskConfig) => void parseConfig(plugin.configDef, taskConfig)
  }

  async start(): Promise<void> {
    const run = this.#run
    const { config, raw } = this.#given
    const context = {
      connector: raw['name'] ?? 'contract',
      logger: caseLogger(run),
      requestTaskReconfiguration: () => run.note('context.requestTaskReconfiguration()'),
      raiseError: (error: Error) => run.note(`context.raiseError(${error.message})`),
    }
    await run.call(
      'start of the connector',
      rules.taskConfigs,
      async () => await this.#connector.start(config, raw, context),
    )
  }

  async taskConfigs(maxTasks: number): Promise<readonly RawConfig[]> {
    return await this.#run.call(
      `taskConfigs(${maxTasks})`,
      rules.taskConfigs,
      async () => await this.#connector.taskConfigs(maxTasks),
    )
  }

  async stop(): Promise<void> {
    await this.#run.call('stop of the connector', rules.connectorStop, async () => await this.#connector.stop())
  }
}

async function configuresTasks(run: CaseRun, host: ConnectorHost, maxTasks: number): Promise<void> {
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
    await run.call('parsing a config of taskConfigs', rules.taskConfigs, () => host.parsesTo(config))
  }
  const again = await host.taskConfigs(maxTasks)
  if (textOf(again) !== textOf(configs))
    throw run.broken(
      rules.taskConfigs,
      `two calls of taskConfigs(${maxTasks}) returned different configs, so each would restart the tasks.`,
    )
}
