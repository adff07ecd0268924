import { RetriableError } from '../../../src/api/errors.ts'
import type { RawConfig } from '../../../src/api/config-def.ts'
import type { ConfigInfos } from '../../../src/config/definition/config-infos.ts'
import type { ConnectorRunner } from '../../../src/herder/local/connector-instances.ts'
import type { Actor } from '../world/actor.ts'
import type { Random } from '../world/random.ts'

export const connectorClass = 'org.apache.kafka.connect.file.FileStreamSourceConnector'

const noErrors: ConfigInfos = { name: connectorClass, errorCount: 0, groups: [], configs: [], warnings: [] }

export interface ScriptedConnectorsOptions {
  readonly main: Actor
  readonly random: Random
  /** The share of calls that fail. */
  readonly failureShare: number
  /** Whether no call fails or is slow. */
  readonly isCalm: () => boolean
}

/**
 * A model of `PluginThreads`: calls of connector plugins take time, and some fail. The task configs follow from the connector
 * config: `count` of them, with its `marker`.
 */
export class ScriptedConnectors implements ConnectorRunner {
  readonly #options: ScriptedConnectorsOptions
  readonly #instances = new Map<string, RawConfig>()
  /** What was to start last, by connector. */
  readonly #wanted = new Map<string, RawConfig>()

  constructor(options: ScriptedConnectorsOptions) {
    this.#options = options
  }

  /** The instances that run, by connector. */
  get instances(): ReadonlyMap<string, RawConfig> {
    return this.#instances
  }

  /** A later start or stop takes its place. */
  async startConnector(connector: string, config: RawConfig): Promise<void> {
    this.#instances.delete(connector)
    this.#wanted.set(connector, config)
    await this.#call(`start ${connector}`)
    if (this.#wanted.get(connector) === config) this.#instances.set(connector, config)
  }

  async stopConnector(connector: string): Promise<void> {
    this.#wanted.delete(connector)
    this.#instances.delete(connector)
    await this.#call(`stop ${connector}`).catch(() => undefined)
  }

  async taskConfigs(connector: string, max: number): Promise<readonly RawConfig[]> {
    await this.#call(`task configs of ${connector}`)
    const config = this.#instances.get(connector)
    if (config === undefined) throw new RetriableError(`connector ${connector} does not run`)
    return taskConfigsOf(config, max)
  }

  async validate(): Promise<ConfigInfos> {
    await this.#delay()
    return noErrors
  }

  async pluginConfig(): Promise<readonly []> {
    return []
  }

  async alterOffsets(): Promise<boolean> {
    return true
  }

  async diagnose(): Promise<[]> {
    return []
  }

  async close(): Promise<void> {
    this.#instances.clear()
  }

  async #call(what: string): Promise<void> {
    const { random, failureShare, isCalm } = this.#options
    await this.#delay()
    if (!isCalm() && random.chance(failureShare)) throw new RetriableError(`${what} failed`)
  }

  async #delay(): Promise<void> {
    const { main, random, isCalm } = this.#options
    await main.clock.sleep(random.between(0.5, !isCalm() && random.chance(0.05) ? 2000 : 20))
  }
}

/** The task configs that belong to a connector config. */
export function taskConfigsOf(config: RawConfig, max: number): readonly RawConfig[] {
  const count = Math.min(max, Number(config['count'] ?? 1))
  return Array.from({ length: count }, (_, n) => ({ n: String(n), marker: config['marker'] ?? '' }))
}
