import type {
  Config,
  ConfigInfos,
  ConfigKey,
  ConnectorInfo,
  ConnectorOffset,
  ConnectorStatus,
  ListedConnector,
  LoggerLevel,
  PluginInfo,
  ServerInfo,
  TaskInfo,
  WorkerHealth,
} from './entities.ts'
import { NotFoundCommandError } from './request-error.ts'
import type { RestClient } from './rest-client.ts'

/** The REST API of Kafka Connect 3.9, of which every worker has at least a part. */
export class ConnectApi {
  readonly rest: RestClient

  constructor(rest: RestClient) {
    this.rest = rest
  }

  async server(): Promise<ServerInfo> {
    return await this.rest.send('GET', '/')
  }

  async health(): Promise<WorkerHealth> {
    return await this.rest.send('GET', '/health')
  }

  async connectorNames(): Promise<readonly string[]> {
    return await this.rest.send('GET', '/connectors')
  }

  /** All connectors by name. A list with details leaves out those that no worker has run yet, so the names are asked for too. */
  async connectors(): Promise<readonly ListedConnector[]> {
    const query = { expand: ['info', 'status'] }
    const [names, details] = await Promise.all([
      this.connectorNames(),
      this.rest.send<Record<string, Partial<ListedConnector>>>('GET', '/connectors', { query }),
    ])
    const all = new Set([...names, ...Object.keys(details)])
    return [...all].toSorted().map((name) => {
      const { info = null, status = null } = Object.hasOwn(details, name) ? (details[name] ?? {}) : {}
      return { name, info, status }
    })
  }

  async connector(name: string): Promise<ConnectorInfo> {
    return await this.rest.send('GET', pathOf(name))
  }

  /** The connector as it is configured; null if there is none. */
  async connectorIfAny(name: string): Promise<ConnectorInfo | null> {
    return await orNull(this.connector(name))
  }

  /** Null before a worker has run it. */
  async status(name: string): Promise<ConnectorStatus | null> {
    return await orNull(this.rest.send<ConnectorStatus>('GET', `${pathOf(name)}/status`))
  }

  async create(name: string, config: Config, initialState: string | null): Promise<ConnectorInfo> {
    const state = initialState === null ? {} : { initial_state: initialState }
    return await this.rest.send('POST', '/connectors', { body: { name, config, ...state } })
  }

  /** Creates the connector, or changes its config. */
  async putConfig(name: string, config: Config): Promise<ConnectorInfo> {
    return await this.rest.send('PUT', `${pathOf(name)}/config`, { body: config })
  }

  async delete(name: string): Promise<void> {
    await this.rest.send('DELETE', pathOf(name))
  }

  async setTarget(name: string, target: 'pause' | 'resume' | 'stop'): Promise<void> {
    await this.rest.send('PUT', `${pathOf(name)}/${target}`)
  }

  async restart(name: string, flags: { readonly includeTasks: boolean; readonly onlyFailed: boolean }): Promise<void> {
    const query = { includeTasks: String(flags.includeTasks), onlyFailed: String(flags.onlyFailed) }
    await this.rest.send('POST', `${pathOf(name)}/restart`, { query })
  }

  async tasks(name: string): Promise<readonly TaskInfo[]> {
    return await this.rest.send('GET', `${pathOf(name)}/tasks`)
  }

  async restartTask(name: string, task: number): Promise<void> {
    await this.rest.send('POST', `${pathOf(name)}/tasks/${task}/restart`)
  }

  async offsets(name: string): Promise<readonly ConnectorOffset[]> {
    return (await this.rest.send<{ offsets: readonly ConnectorOffset[] }>('GET', `${pathOf(name)}/offsets`)).offsets
  }

  async alterOffsets(name: string, offsets: readonly ConnectorOffset[]): Promise<string> {
    return await this.#message('PATCH', name, { offsets })
  }

  async resetOffsets(name: string): Promise<string> {
    return await this.#message('DELETE', name)
  }

  async plugins(connectorsOnly: boolean): Promise<readonly PluginInfo[]> {
    return await this.rest.send('GET', '/connector-plugins', { query: { connectorsOnly: String(connectorsOnly) } })
  }

  async pluginConfig(plugin: string): Promise<readonly ConfigKey[]> {
    return await this.rest.send('GET', `/connector-plugins/${encodeURIComponent(plugin)}/config`)
  }

  async validate(plugin: string, config: Config): Promise<ConfigInfos> {
    const path = `/connector-plugins/${encodeURIComponent(plugin)}/config/validate`
    return await this.rest.send('PUT', path, { body: config })
  }

  async loggers(): Promise<Readonly<Record<string, LoggerLevel>>> {
    return await this.rest.send('GET', '/admin/loggers')
  }

  /** Returns the names of the loggers whose level was set; none when each worker sets it by itself. */
  async setLogger(name: string, level: string, scope: 'worker' | 'cluster'): Promise<readonly string[]> {
    const path = `/admin/loggers/${encodeURIComponent(name)}`
    return (await this.rest.send<readonly string[] | null>('PUT', path, { query: { scope }, body: { level } })) ?? []
  }

  async #message(method: string, name: string, body?: unknown): Promise<string> {
    const { message } = await this.rest.send<{ message: string }>(method, `${pathOf(name)}/offsets`, { body })
    return message
  }
}

export const pathOf = (connector: string): string => `/connectors/${encodeURIComponent(connector)}`

async function orNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found
  } catch (error) {
    if (error instanceof NotFoundCommandError) return null
    throw error
  }
}
