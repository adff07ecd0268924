import type { ListenAddress } from '../../foundation/network/listen-address.ts'
import { createServer, type AddressInfo } from 'node:net'

import { KafkaClient } from '../../client/kafka-client.ts'
import type { ClientSecurity } from '../../config/worker/client-security.ts'
import { advertisedAddress, type WorkerConfig } from '../../config/worker/worker-config.ts'
import { deferred } from '../../foundation/async/deferred.ts'
import { IdleMemory } from '../../foundation/process/idle-memory.ts'
import { Meters, type Sample } from '../../foundation/metrics/meters.ts'
import { ConfigFold } from '../../herder/config-fold.ts'
import { ConnectorProgress } from '../../herder/connector-progress.ts'
import { GroupStatuses } from '../../herder/group-statuses.ts'
import { WorkerGroup } from '../../herder/group/worker-group.ts'
import { WorkerHerder } from '../../herder/worker-herder.ts'
import { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { startRest } from '../../rest/rest-server.ts'
import { labelled, prometheusText } from '../../runtime/metrics/prometheus-text.ts'
import { Worker } from '../../runtime/worker.ts'
import { accessOf } from './access.ts'
import { addressText, startEmbeddedBroker, wayTo, type WayToLog } from './embedded-broker.ts'
import { processSamples, stateSamples } from './process-samples.ts'
import { taskSettings, groupTimes } from './settings-of.ts'
import { InternalTopicWatch } from './internal-topic-watch.ts'
import { sourcesWithoutOffsets } from './lost-offsets.ts'
import { openStores } from './stores.ts'
import { Undo } from './undo.ts'
import { WorkerConditions } from './worker-conditions.ts'
import type { WorkerSurroundings } from './worker-surroundings.ts'

/** The main thread gives its memory back when the configuration has stood still for so long. */
const restMs = 10_000

/** What stopping connectors and tasks may take beyond `task.shutdown.graceful.timeout.ms`: threads are ended then. */
const stopOverheadMs = 500

/** A worker that runs. */
export interface RunningWorker {
  readonly restUrl: string
  /** `host:port` of the embedded log; null on a cluster. */
  readonly brokerAddress: string | null
  /** Resolves with the reason when the embedded log dies; never on a cluster. */
  readonly logDied: Promise<Error>
  /** Ends everything in order: tasks flush, offsets are committed, the group is left, the log stops last (D13). */
  stop(): Promise<void>
}

/**
 * Starts a worker from below: log, client, stores, herder and group, REST.
 * @param signal gives the start up while a cluster does not answer
 * @throws what keeps it from starting, after ending what had started
 */
export async function startWorker(
  config: WorkerConfig,
  surroundings: WorkerSurroundings,
  signal: AbortSignal,
): Promise<RunningWorker> {
  const undo = new Undo(surroundings.logger, surroundings.clock)
  try {
    return await start(config, surroundings, undo, signal)
  } catch (error) {
    await undo.run()
    throw error
  }
}

async function start(
  config: WorkerConfig,
  around: WorkerSurroundings,
  undo: Undo,
  signal: AbortSignal,
): Promise<RunningWorker> {
  const { logger, clock } = around
  // Before anything starts: a file that cannot be used keeps the worker from starting.
  const { restToken, credentials, security } = accessOf(config)
  const logDied = deferred<Error>()
  let brokerSamples = async (): Promise<readonly Sample[]> => []
  let log: WayToLog = { bootstrapServers: config.bootstrapServers, security, brokerAddress: null }
  const conditions = new WorkerConditions()
  if (config.embedded !== null) {
    const broker = await startEmbeddedBroker(config.embedded, credentials, clock, logger.child('broker'))
    undo.add('the embedded log', async () => await broker.close(), Number.POSITIVE_INFINITY)
    void broker.ended.then((reason) => {
      if (reason !== null) logDied.resolve(reason)
    })
    brokerSamples = async () => await broker.samples()
    conditions.add('broker', () => broker.conditions)
    log = wayTo(broker, security)
  }
  const client = await KafkaClient.connect({
    ...log,
    clientId: `${config.groupId}-worker`,
    clock,
    logger: logger.child('client'),
    signal,
  })
  undo.add('the client', async () => await client.close())
  const listeners = await Promise.all(config.listeners.map(fixedPort))
  const [first = { host: '127.0.0.1', port: 0 }] = listeners
  const advertised = addressText(advertisedAddress(config, first.port))
  const herder = await startHerder({ config, around, undo, client, ...log, advertised, conditions })
  const storage = { clock, logger: logger.child('storage') }
  const watch = new InternalTopicWatch({
    topics: config,
    servers: log.brokerAddress ?? log.bootstrapServers,
    admin: client.admin,
    ...storage,
  })
  undo.add('the watch over internal topics', async () => watch.close())
  conditions.add('worker', () => watch.conditions)
  const meters = new Meters()
  const rest = await startRest({
    herder: herder.herder,
    metrics: async () =>
      prometheusText([
        ...labelled(await brokerSamples()),
        ...processSamples(),
        ...conditions.samples(),
        ...stateSamples(herder.statuses),
        ...herder.worker.threadSamples(),
        ...herder.worker.metrics.labelled(),
        ...labelled(meters.samples()),
      ]),
    conditions: () => conditions.lines(),
    ...(restToken === null ? {} : { token: restToken }),
    meters,
    listeners,
    limits: config.restLimits,
    hosts: [...config.listenersHosts, advertisedAddress(config, first.port).host],
    clock,
    logger: logger.child('rest'),
  })
  undo.add('the REST API', async () => await rest.close())
  const { brokerAddress } = log
  return { restUrl: rest.url, brokerAddress, logDied: logDied.promise, stop: async () => await undo.run() }
}

interface HerderParts {
  readonly config: WorkerConfig
  readonly around: WorkerSurroundings
  readonly undo: Undo
  readonly client: KafkaClient
  readonly bootstrapServers: string
  readonly security: ClientSecurity
  /** `host:port` under which other workers and status records know this one. */
  readonly advertised: string
  readonly conditions: WorkerConditions
}

interface StartedHerder {
  readonly herder: WorkerHerder
  readonly worker: Worker
  readonly statuses: GroupStatuses
}

async function startHerder(parts: HerderParts): Promise<StartedHerder> {
  const { config, around, undo, client, advertised, conditions } = parts
  const { clock, logger } = around
  const fold = new ConfigFold()
  const live: { herder: WorkerHerder | null } = { herder: null }
  const memory = new IdleMemory(clock, restMs)
  undo.add('the watch over idle memory', async () => memory.close())
  const stores = await openStores(
    { client, config, clock, logger: logger.child('storage'), conditions },
    undo,
    (record, offset) => {
      const change = record === null ? fold.skip(offset) : fold.apply(record, offset)
      memory.active()
      if (change !== null) live.herder?.onConfigChange(change)
    },
  )
  const plugins = new PluginRegistry(config.foundPlugins)
  const forgotten = sourcesWithoutOffsets(fold, stores, plugins)
  if (forgotten.length > 0)
    logger.warn(
      `topic ${config.offsetTopic.name} (offset.storage.topic) is empty, but these sources have run before and start over: ` +
        `${forgotten.join(', ')}. If the topic was deleted, records may be written a second time`,
    )
  const statuses = new GroupStatuses(stores.statuses, advertised, clock)
  const progress = new ConnectorProgress(stores.offsets, client.admin, { clock, topic: config.offsetTopic.name })
  const worker = makeWorker(parts, plugins, progress, () => live.herder)
  undo.add('the threads', async () => await worker.close())
  const group = new WorkerGroup(
    (member) =>
      client.groupMember({ groupId: config.groupId, protocolType: 'connect', ...groupTimes(config), ...member }),
    {
      url: `http://${advertised}/`,
      clock,
      logger: logger.child('herder'),
      configuration: () => herder.configuration(),
      catchUp: async () => await stores.configs.refresh(),
      onMembership: async (membership) => await herder.onMembership(membership),
    },
  )
  const herder = new WorkerHerder({
    fold,
    statuses,
    offsets: progress,
    writer: stores.configs,
    worker,
    plugins,
    serverInfo: { version: '3.9.1', commit: 'penstock', kafkaClusterId: client.clusterId },
    group: { groupId: config.groupId },
    gracefulMs: config.taskShutdownTimeoutMs,
    topicTracking: config.topicTracking,
    clock,
    logger: logger.child('herder'),
    requestRound: (reason) => group.requestRound(reason),
  })
  live.herder = herder
  undo.add('the worker group', async () => await group.close())
  undo.add('the statuses', async () => await stores.statuses.flush())
  undo.add('connectors and tasks', async () => await herder.stop(), config.taskShutdownTimeoutMs + stopOverheadMs)
  group.start()
  return { herder, worker, statuses }
}

function makeWorker(
  { config, around, bootstrapServers, security }: HerderParts,
  plugins: PluginRegistry,
  progress: ConnectorProgress,
  herder: () => WorkerHerder | null,
): Worker {
  return new Worker({
    settings: taskSettings(config, bootstrapServers, security),
    plugins,
    foundPlugins: config.foundPlugins,
    maxTaskThreads: config.taskThreadsMax,
    blocking: config.blocking,
    logLevel: around.logLevel,
    logSink: around.logSink,
    logger: around.logger.child('runtime'),
    clock: around.clock,
    events: {
      onTaskState: (start, state, trace) => herder()?.local.taskState(start, state, trace),
      onTaskFailed: (start, trace, cause) => herder()?.local.taskFailed(start, trace, cause),
      onTaskMoved: (start, trace) => herder()?.local.taskMoved(start, trace),
      onTopic: (id, topic) => herder()?.onTopic(id, topic),
      onReconfigure: (connector) => herder()?.onReconfigure(connector),
      onConnectorFailed: (connector, trace) => herder()?.local.connectorFailed(connector, trace),
      onConnectorsLost: (connectors, reason) => herder()?.local.connectorsLost(connectors, reason),
      readOffsets: async (connector, partitions) => await progress.stored(connector, partitions),
    },
  })
}

/** The address others are told has to be known before REST listens: port 0 is settled now. */
async function fixedPort(address: ListenAddress): Promise<ListenAddress> {
  if (address.port !== 0) return address
  const server = createServer()
  const listening = deferred<void>()
  server.once('error', (error) => listening.reject(error))
  server.listen({ port: 0, host: address.host === '' ? '127.0.0.1' : address.host }, () => listening.resolve())
  await listening.promise
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return { host: address.host, port }
}
