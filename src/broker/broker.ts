import { isAnyAddress, type ListenAddress } from '../foundation/network/listen-address.ts'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Clock } from '../foundation/clock.ts'
import { LogStreaks } from '../foundation/logging/log-streaks.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { Sample } from '../foundation/metrics/meters.ts'
import { openFileLimit } from '../foundation/process/open-file-limit.ts'
import type { FileSystem } from '../log/disk/file-system.ts'
import { NodeFileSystem } from '../log/disk/node-file-system.ts'
import { Conditions, type ConditionListener } from '../foundation/metrics/conditions.ts'
import { Authenticator, type BrokerCredentials } from './server/authentication.ts'
import { defaultBrokerConfig, type BrokerConfig } from './settings/broker-config.ts'
import { brokerGauges } from './metrics/broker-gauges.ts'
import { BrokerMeters } from './metrics/broker-meters.ts'
import type { AdvertisedNode, BrokerState } from './broker-state.ts'
import { Coordinators } from './coordinator/coordinators.ts'
import { defaultCoordinatorConfig, type CoordinatorConfig } from './coordinator/coordinator-config.ts'
import { DataDirectoryLock } from './data-directory/data-directory-lock.ts'
import { budgetWarning, descriptorBudget, type DescriptorBudget } from './data-directory/descriptor-budget.ts'
import { DiskWatch } from './data-directory/disk-watch.ts'
import { handlersFor } from './requests/served-apis.ts'
import { LogUpkeep } from './topics/log-upkeep.ts'
import { Router } from './requests/router.ts'
import { Server, type TcpServerFactory } from './server/server.ts'
import { Topics } from './topics/topics.ts'

/** The options of {@link Broker.start}. */
export interface BrokerOptions {
  /** The data directory, created if it does not exist. Only one broker can use it. */
  readonly dataDir: string
  readonly listen: ListenAddress
  /** The host that clients connect to, if it is not that of the listener. */
  readonly advertisedHost?: string
  /** Whether to create a socket in the data directory for the worker that owns the broker. */
  readonly ownSocket?: boolean
  readonly clock: Clock
  readonly logger: Logger
  readonly config?: Partial<BrokerConfig>
  readonly coordinators?: Partial<CoordinatorConfig>
  /** The credentials of clients. Without them every client that can connect may use the broker. */
  readonly credentials?: BrokerCredentials
  /** The file system; that of the machine by default. */
  readonly fs?: FileSystem
  /** The network; that of the machine by default. */
  readonly createTcpServer?: TcpServerFactory
  readonly onCondition?: ConditionListener
}

const ownSocketName = 'worker.sock'

/** How to stop what was started, in the order to stop it: the last first. */
type Stops = (() => Promise<void> | void)[]

/** A broker that has started. */
interface Started {
  readonly address: ListenAddress
  readonly ownPath: string | null
  readonly topics: Topics
  readonly lock: DataDirectoryLock
  readonly samples: () => readonly Sample[]
}

/** The embedded broker: one node that speaks the Kafka protocol and stores partition logs in a directory. */
export class Broker {
  /** The address of the listener. */
  readonly address: ListenAddress
  /** The path of the socket for the worker that owns the broker; null when there is none. */
  readonly ownPath: string | null
  readonly topics: Topics
  /** Returns the metrics of the broker. */
  readonly samples: () => readonly Sample[]
  readonly #lock: DataDirectoryLock
  readonly #stops: Stops

  private constructor({ address, ownPath, topics, lock, samples }: Started, stops: Stops) {
    this.address = address
    this.ownPath = ownPath
    this.topics = topics
    this.samples = samples
    this.#lock = lock
    this.#stops = stops
  }

  /**
   * Recovers the partition logs and opens the listener.
   * @throws DataDirectoryLockedError, CorruptMetadataError, ListenError, or the system's error when a file cannot be read.
   */
  static async start(options: BrokerOptions): Promise<Broker> {
    const stops: Stops = []
    try {
      return await start(options, stops, (started) => new Broker(started, stops))
    } catch (error) {
      await stopAll(stops).catch((other: unknown) =>
        options.logger.error('could not stop gracefully after a failed start', { error: String(other) }),
      )
      throw error
    }
  }

  /**
   * Finishes requests in flight, writes checkpoints and closes everything. Bounded; loses nothing (I9).
   * @throws DataDirectoryTakenError when another broker has taken over the data directory: a checkpoint would damage its logs.
   */
  async close(): Promise<void> {
    if (this.#stops.length > 0) this.#lock.assertHeld()
    await stopAll(this.#stops.splice(0))
  }
}

async function start(options: BrokerOptions, stops: Stops, result: (started: Started) => Broker): Promise<Broker> {
  const { dataDir, clock, logger, credentials } = options
  const config = { ...defaultBrokerConfig, ...options.config }
  const storage = await openStorage(options, config, stops)
  const { lock, fs, topics, meters, conditions, budget } = storage
  let node: AdvertisedNode = { nodeId: config.nodeId, host: '', port: 0 }
  const coordinatorConfig = { ...defaultCoordinatorConfig, ...options.coordinators }
  const streaks = new LogStreaks(clock, logger)
  const shared = { topics, clock, streaks }
  const coordinators = Coordinators.open({
    ...shared,
    logger,
    fs,
    dataDirectory: dataDir,
    conditions,
    config: coordinatorConfig,
  })
  stops.unshift(() => coordinators.close())
  const state: BrokerState = {
    ...shared,
    config,
    coordinators: coordinatorConfig,
    groups: coordinators.groups,
    producerIds: coordinators.producerIds,
    node: () => node,
    authenticates: credentials !== undefined,
    handlers: () => handlers,
  }
  const handlers = handlersFor(state)
  const { connections } = config
  const server = await Server.listen({
    listen: options.listen,
    ...(options.ownSocket === true ? { ownPath: resolve(dataDir, ownSocketName) } : {}),
    router: new Router(handlers, { beforeEach: () => lock.assertHeld(), meters }),
    limits: { ...connections, maxConnections: Math.min(connections.maxConnections, budget.connections) },
    authenticator: credentials === undefined ? null : new Authenticator(credentials, { clock, streaks, meters }),
    clock,
    logger,
    streaks,
    createTcpServer: options.createTcpServer,
  })
  stops.unshift(() => server.close())
  node = { ...node, ...advertised(server.address, options.advertisedHost) }
  const upkeep = new LogUpkeep({ topics, config, clock, logger })
  stops.unshift(() => upkeep.stop())
  const samples = (): readonly Sample[] => [
    ...meters.samples(),
    ...brokerGauges({ topics, fs, dataDirectory: dataDir, connections: server.connectionCount }),
  ]
  return result({ address: server.address, ownPath: server.ownPath, topics, lock, samples })
}

/** Everything below the network: the lock on the data directory, the disk, and the topics on it. */
interface Storage {
  readonly lock: DataDirectoryLock
  readonly fs: FileSystem
  readonly topics: Topics
  readonly meters: BrokerMeters
  readonly conditions: Conditions
  readonly budget: DescriptorBudget
}

async function openStorage(options: BrokerOptions, config: BrokerConfig, stops: Stops): Promise<Storage> {
  const { dataDir, clock, logger } = options
  const lock = DataDirectoryLock.acquire(dataDir, clock, logger)
  stops.unshift(() => lock.release())
  const budget = descriptorBudget(openFileLimit())
  const meters = new BrokerMeters(clock)
  const fs = options.fs ?? openNodeFileSystem(stops, config.maxOpenFiles ?? budget.files, meters)
  const conditions = new Conditions(logger, options.onCondition)
  const disk = new DiskWatch({ fs, dataDirectory: dataDir, clock, conditions })
  stops.unshift(() => disk.close())
  const logDefaults = config.log
  const topics = await Topics.open({ fs, dataDirectory: dataDir, clock, logger, logDefaults, disk, conditions })
  stops.unshift(() => topics.close())
  const partitionCount = [...topics.all()].reduce((sum, topic) => sum + topic.partitions.length, 0)
  const warning = budgetWarning(budget, partitionCount)
  if (warning !== null) logger.warn(warning)
  return { lock, fs, topics, meters, conditions, budget }
}

function openNodeFileSystem(stops: Stops, maxOpenFiles: number, meters: BrokerMeters): FileSystem {
  const fs = new NodeFileSystem({ maxOpenFiles, onSync: () => meters.syncing() })
  stops.unshift(() => fs.close())
  return fs
}

/** Returns the address for clients: this machine's name where the listener is on all interfaces, to which no client can connect. */
function advertised({ host, port }: ListenAddress, advertisedHost: string | undefined): ListenAddress {
  return { host: advertisedHost ?? (isAnyAddress(host) ? hostname() : host), port }
}

/** Runs every step, also after one that failed, so that lock and threads are always released (I9). @throws what failed. */
async function stopAll(stops: Stops): Promise<void> {
  const failures: unknown[] = []
  for (const stop of stops) {
    try {
      await stop()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '))
  if (failures.length > 0) throw failures[0]
}
