import type { RawConfig } from '../../api/config-def.ts'
import type { Connector, ConnectorPlugin } from '../../api/connector.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { rules } from '../contract/rules.ts'
import { caseLogger, type GivenConfig } from '../host/task-context.ts'
import { givenConfig } from './given-config.ts'

/** A connector instance as the plugin thread runs one. */
export class ConnectorHost {
  readonly #run: CaseRun
  readonly #given: GivenConfig
  readonly #connector: Connector

  constructor(run: CaseRun, plugin: ConnectorPlugin, raw: RawConfig) {
    this.#run = run
    this.#given = givenConfig(plugin.configDef, raw)
    this.#connector = plugin.createConnector()
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

/** Returns the config of the one task of a connector, which has all the work, in the forms that it gets. */
export async function taskConfigOf(run: CaseRun, plugin: ConnectorPlugin, raw: RawConfig): Promise<GivenConfig> {
  const connector = new ConnectorHost(run, plugin, raw)
  try {
    await connector.start()
    const [taskConfig] = await connector.taskConfigs(1)
    if (taskConfig === undefined) throw run.broken(rules.taskConfigs, 'taskConfigs(1) returned no config.')
    return givenConfig(plugin.configDef, taskConfig)
  } finally {
    await connector.stop()
  }
}
