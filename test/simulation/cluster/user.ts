import type { ConfigEntry } from '../../support/config/config-fold.ts'
import type { Actor as SimulatedActor } from '../world/actor.ts'
import { Actor } from '../world/actor.ts'
import type { Random } from '../world/random.ts'
import type { Cluster } from './cluster.ts'
import type { Request } from './rest-network.ts'
import { connectorClass } from './scripted-connectors.ts'
import { configTopic } from './simulated-worker.ts'

type Operation = 'create' | 'configure' | 'pause' | 'resume' | 'stop' | 'delete' | 'restart'

const operations: readonly Operation[] = [
  'create',
  'create',
  'configure',
  'pause',
  'resume',
  'resume',
  'stop',
  'delete',
  'restart',
]

/** A change of the configuration: the request, and what it writes to the config topic. */
interface Change {
  readonly request: Request<unknown>
  /** Null: nothing that stays. */
  readonly isOf: ((entry: ConfigEntry) => boolean) | null
}

/** Changes one connector over the REST API of any worker, one request after another. */
export class User {
  readonly actor: SimulatedActor
  readonly #cluster: Cluster
  readonly #connector: string
  readonly #random: Random
  #changes = 0

  constructor(cluster: Cluster, connector: string) {
    const { timeline, random } = cluster.simulation
    this.#cluster = cluster
    this.#connector = connector
    this.actor = new Actor(timeline, `user of ${connector}`, 'users')
    this.#random = random.fork(this.actor.name)
  }

  /** Changes the connector until the time is over, then leaves it started. */
  async work(untilMs: number): Promise<void> {
    const { clock } = this.actor
    while (clock.monotonic() < untilMs) {
      await this.change(this.#random.pick(operations))
      await clock.sleep(this.#random.between(100, this.#random.chance(0.3) ? 8000 : 1500))
    }
  }

  /** Sends one request. Returns whether it was acknowledged. */
  async change(operation: Operation): Promise<boolean> {
    const { simulation, rest, places, broker, acknowledged } = this.#cluster
    const { url } = this.#random.pick(places)
    const what = `${operation} ${this.#connector} at ${url}`
    const { request, isOf } = this.#changeOf(operation)
    const from = broker.endOf(configTopic)
    simulation.note(what)
    try {
      await rest.request(this.actor, url, request)
    } catch (error) {
      simulation.note(`${what} failed: ${String(error)}`)
      return false
    }
    simulation.note(`${what} is acknowledged`)
    if (isOf !== null) acknowledged.configs.push({ what, from, to: broker.endOf(configTopic), isOf })
    return true
  }

  #changeOf(operation: Operation): Change {
    const name = this.#connector
    const hasState = (state: string) => (entry: ConfigEntry) =>
      entry.key === `target-state-${name}` && (entry.value as { 'state.v2'?: string } | null)?.['state.v2'] === state
    switch (operation) {
      case 'create':
      case 'configure': {
        const config = this.#newConfig()
        const isOf = ({ key, value }: ConfigEntry): boolean =>
          key === `connector-${name}` &&
          (value as { properties?: { marker?: string } } | null)?.properties?.marker === config.marker
        if (operation === 'configure')
          return { request: async (herder, signal) => await herder.putConnectorConfig(name, config, signal), isOf }
        return { request: async (herder, signal) => await herder.createConnector(name, config, null, signal), isOf }
      }
      case 'pause':
        return {
          request: async (herder, signal) => await herder.pauseConnector(name, signal),
          isOf: hasState('PAUSED'),
        }
      case 'resume':
        return {
          request: async (herder, signal) => await herder.resumeConnector(name, signal),
          isOf: hasState('STARTED'),
        }
      case 'stop':
        return {
          request: async (herder, signal) => await herder.stopConnector(name, signal),
          isOf: hasState('STOPPED'),
        }
      case 'delete':
        return {
          request: async (herder, signal) => await herder.deleteConnector(name, signal),
          isOf: ({ key, value }) => key === `connector-${name}` && value === null,
        }
      case 'restart': {
        const plan = { connector: name, onlyFailed: this.#random.chance(0.5), includeTasks: this.#random.chance(0.5) }
        return { request: async (herder, signal) => await herder.restartConnectorAndTasks(plan, signal), isOf: null }
      }
    }
  }

  #newConfig() {
    const { maxTasks } = this.#cluster.simulation.settings
    this.#changes += 1
    return {
      'connector.class': connectorClass,
      name: this.#connector,
      topic: 'data',
      'tasks.max': String(maxTasks),
      count: String(this.#random.integer(1, maxTasks)),
      marker: `${this.#connector} ${this.#changes}`,
    }
  }
}
