import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { CleanupStack } from '../../../src/cli/worker/cleanup-stack.ts'
import { createStores } from '../../../src/cli/worker/stores.ts'
import { WorkerConditions } from '../../../src/cli/worker/worker-conditions.ts'
import type { RawConfig } from '../../../src/api/config-def.ts'
import { LogLevels } from '../../../src/foundation/logging/log-levels.ts'
import { Conditions } from '../../../src/foundation/metrics/conditions.ts'
import {
  noMembership,
  WorkerGroup,
  type Membership,
  type WorkerGroupHandlers,
} from '../../../src/herder/group/worker-group.ts'
import { signatureHeaders } from '../../../src/herder/internal/request-signature.ts'
import type { SendTaskConfigs } from '../../../src/herder/internal/task-config-writer.ts'
import { ConnectorErrorsReader } from '../../../src/herder/errors/connector-errors-reader.ts'
import { ConnectorOffsetReader } from '../../../src/herder/offsets/connector-offset-reader.ts'
import { ConnectorOffsetWriter } from '../../../src/herder/offsets/connector-offset-writer.ts'
import { WorkerStatusStore } from '../../../src/herder/state/worker-status-store.ts'
import { WorkerHerder } from '../../../src/herder/worker-herder.ts'
import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import { PluginRegistry } from '../../../src/plugin/plugin-registry.ts'
import { Lease } from '../../../src/runtime/thread/lease.ts'
import type { TaskListener } from '../../../src/runtime/task-listener.ts'
import { Actor } from '../world/actor.ts'
import type { Random } from '../world/random.ts'
import type { Surroundings } from './surroundings.ts'
import { UnreachedError } from './rest-network.ts'
import { ScriptedConnectors } from './scripted-connectors.ts'
import { ScriptedTasks } from './scripted-tasks.ts'

export const groupId = 'workers'
export const configTopic = 'configs'

/** More of them are a loop: users change the configuration a few times a second. */
const rebalancesPerSecond = 20

const topic = (name: string) => ({ name, partitions: 1, replicationFactor: 1, configs: {} })
const sessionKeySettings = {
  generationAlgorithm: 'HmacSHA256',
  keyBits: null,
  ttlMs: 30_000,
  signatureAlgorithm: 'HmacSHA256',
  verificationAlgorithms: ['HmacSHA256'],
}

/** The process of one worker: the real client, stores, membership and herder, put together as `src/cli/worker` does. */
export class SimulatedWorker {
  /** Its main thread. */
  readonly main: Actor
  readonly url: string
  readonly lease: Lease
  membership: Membership = noMembership
  herder: WorkerHerder | null = null
  /** What is wrong with the group, and what to do. */
  readonly conditions: Conditions
  tasks: ScriptedTasks | null = null
  connectors: ScriptedConnectors | null = null
  readonly #around: Surroundings
  readonly #random: Random
  readonly #cleanup: CleanupStack
  readonly #stopping = new AbortController()
  /** The times of the last rebalances. */
  readonly #rebalancedAt: number[] = []

  /** @param life how often the worker was started before */
  constructor(around: Surroundings, host: string, life: number) {
    const { timeline, random, logger } = around.simulation
    this.#around = around
    this.main = new Actor(timeline, `${host}#${life}`, host)
    this.url = `http://${host}:8083/`
    this.conditions = new Conditions(logger.child(this.main.name))
    this.lease = Lease.create(this.main.processClock)
    this.#random = random.fork(this.main.name)
    this.#cleanup = new CleanupStack(logger.child(this.main.name), this.main.clock)
  }

  /** @throws what prevents the start */
  async start(): Promise<void> {
    const { simulation, bootstrapServers, rest } = this.#around
    const { clock } = this.main
    const logger = simulation.logger.child(this.main.name)
    const client = await KafkaClient.connect({
      bootstrapServers,
      clientId: this.main.name,
      clock,
      logger: logger.child('client'),
      dial: simulation.network.dialOf(this.main),
      signal: this.#stopping.signal,
    })
    this.#cleanup.add('the client', async () => await client.close())
    const herder = this.#createHerder(client)
    await herder.start(this.#stopping.signal)
    this.herder = herder
    rest.listen(this.url, this)
  }

  /** Stops gracefully. */
  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.main.schedule(0, 'signal', resolve)
    await promise
    this.#stopping.abort(new Error('the worker stops'))
    await this.#cleanup[Symbol.asyncDispose]()
    this.kill()
  }

  /** The process ends immediately. */
  kill(): void {
    if (this.main.hasEnded) return
    this.main.end()
    this.#around.simulation.network.close(this.main)
    this.tasks?.endAll()
  }

  /** The whole process stands still. */
  freeze(): void {
    this.main.freeze()
    this.freezeThreads()
  }

  freezeThreads(): void {
    for (const { actor } of this.tasks?.runs ?? []) actor.freeze()
  }

  wake(): void {
    this.main.wake()
    for (const { actor } of this.tasks?.runs ?? []) actor.wake()
  }

  #createHerder(client: KafkaClient): WorkerHerder {
    const { simulation } = this.#around
    const { clock } = this.main
    const logger = simulation.logger.child(this.main.name)
    const stores = createStores({
      client,
      config: { configTopic: topic(configTopic), statusTopic: topic('statuses'), offsetTopic: topic('offsets') },
      clock,
      logger: logger.child('storage'),
      conditions: new WorkerConditions(),
      cleanup: this.#cleanup,
      lease: this.lease,
    })
    const herder = new WorkerHerder({
      configs: stores.configs,
      statuses: new WorkerStatusStore(stores.statuses, this.main.host, clock),
      offsets: new ConnectorOffsetReader({ store: stores.offsets, admin: client.admin, clock, topic: 'offsets' }),
      offsetWriter: new ConnectorOffsetWriter({ store: stores.offsets, admin: client.admin }),
      errors: new ConnectorErrorsReader({ client, clock }),
      letters: client,
      diagnosis: {
        client,
        conditions: () => [],
        askTasks: async () => ({ kind: 'tasks', tasks: [] }),
        workerId: this.main.host,
        restUrl: `http://${this.main.host}`,
      },
      offsetTopic: 'offsets',
      // No source of a simulation writes in transactions.
      fenceTasks: async () => undefined,
      lease: this.lease,
      joinGroup: (handlers) => this.#joinGroup(client, handlers),
      runConnectors: () => this.#runConnectors(),
      runTasks: (listener) => this.#runTasks(listener),
      plugins: new PluginRegistry(fileConnectors),
      serverInfo: { version: '3.9.1', commit: 'simulation', kafkaClusterId: client.clusterId },
      groupSettings: { groupId },
      sessionKeySettings,
      sendTaskConfigs: async (to) => await this.#sendTaskConfigs(to),
      gracefulMs: simulation.settings.gracefulMs,
      restarts: { enabled: true, maxAttempts: null, backoff: { initialMs: 500, maxMs: 30_000 } },
      logLevels: LogLevels.startingAt('info'),
      topicTracking: true,
      topicTrackingReset: true,
      clock,
      logger: logger.child('herder'),
      onActivity: () => undefined,
    })
    this.#cleanup.add('the threads', async () => await herder.close())
    this.#cleanup.add('the worker group', async () => await herder.leaveGroup())
    this.#cleanup.add('the statuses', async () => await stores.statuses.flush())
    this.#cleanup.add('connectors and tasks', async () => await herder.stopWork(), simulation.settings.gracefulMs + 500)
    return herder
  }

  #joinGroup(client: KafkaClient, handlers: WorkerGroupHandlers): WorkerGroup {
    const { settings, logger } = this.#around.simulation
    const { sessionTimeoutMs, rebalanceTimeoutMs, heartbeatIntervalMs, protocol, maxDelayMs } = settings
    const times = { sessionTimeoutMs, rebalanceTimeoutMs, heartbeatIntervalMs }
    return new WorkerGroup((member) => client.groupMember({ groupId, protocolType: 'connect', ...times, ...member }), {
      ...handlers,
      url: this.url,
      clock: this.main.clock,
      logger: logger.child(this.main.name),
      lease: this.lease,
      conditions: this.conditions,
      configTopic,
      listClasses: async (url) => await this.#listClasses(url),
      protocol,
      maxDelayMs,
      onMembership: async (membership) => {
        this.membership = membership
        this.#countRebalance()
        this.#around.simulation.note(`${this.main.name} is in generation ${membership.generation}`)
        return await handlers.onMembership(membership)
      },
    })
  }

  /** Each rebalance interrupts all workers: one must not cause the next. */
  #countRebalance(): void {
    const { simulation } = this.#around
    this.#rebalancedAt.push(simulation.timeline.nowMs)
    if (this.#rebalancedAt.length <= rebalancesPerSecond) return
    const sinceMs = this.#rebalancedAt.shift() ?? 0
    if (simulation.timeline.nowMs - sinceMs < 1000)
      simulation.violated(`${this.main.name} takes part in more than ${rebalancesPerSecond} rebalances a second`)
  }

  #runConnectors(): ScriptedConnectors {
    const { pluginFailureShare } = this.#around.simulation.settings
    this.connectors = new ScriptedConnectors({
      main: this.main,
      random: this.#random.fork('connectors'),
      failureShare: pluginFailureShare,
      isCalm: () => this.#around.simulation.isCalm,
    })
    return this.connectors
  }

  #runTasks(listener: TaskListener): ScriptedTasks {
    this.tasks = new ScriptedTasks({
      around: this.#around,
      main: this.main,
      random: this.#random.fork('tasks'),
      gracefulMs: this.#around.simulation.settings.gracefulMs,
      mayWrite: () => this.lease.isValid,
      listener,
    })
    return this.tasks
  }

  /** Asks another worker for its connector classes, as `src/rest` does. */
  async #listClasses(url: string): Promise<readonly string[]> {
    return await this.#around.rest.send(this.main, url, async ({ herder }) => {
      if (herder === null) throw new UnreachedError(`${url} is starting`)
      return (await herder.plugins()).map(({ className }) => className)
    })
  }

  /** Sends task configs to the leader, as `src/rest` does. */
  async #sendTaskConfigs({ url, connector, body, headers }: Parameters<SendTaskConfigs>[0]): Promise<void> {
    const signed = {
      body,
      signature: headers[signatureHeaders.signature] ?? null,
      algorithm: headers[signatureHeaders.algorithm] ?? null,
      isTrusted: true,
    }
    const configs = JSON.parse(body) as readonly RawConfig[]
    await this.#around.rest.send(this.main, url, async ({ herder }, signal) => {
      if (herder === null) throw new UnreachedError(`${url} is starting`)
      await herder.putTaskConfigs(connector, configs, signed, signal)
    })
  }
}
