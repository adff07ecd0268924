import type { Admin } from '../../client/admin.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { formatTaskId } from '../../config/connector/task-id.ts'
import { workerRestarts } from '../../config/restart-settings.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import { Conditions } from '../../foundation/metrics/conditions.ts'
import { IdleMemory } from '../../foundation/process/idle-memory.ts'
import { WorkerGroup, type WorkerGroupHandlers, type WorkerGroupOptions } from '../../herder/group/worker-group.ts'
import type { DiagnosisSources } from '../../herder/diagnosis/diagnosis-reader.ts'
import { ConnectorErrorsReader } from '../../herder/errors/connector-errors-reader.ts'
import { ConnectorOffsetReader } from '../../herder/offsets/connector-offset-reader.ts'
import { ConnectorOffsetWriter } from '../../herder/offsets/connector-offset-writer.ts'
import { WorkerStatusStore } from '../../herder/state/worker-status-store.ts'
import { WorkerHerder } from '../../herder/worker-herder.ts'
import { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { connectorClassesRequest } from '../../rest/forward/connector-classes-request.ts'
import { tasksRequest } from '../../rest/forward/tasks-request.ts'
import { taskConfigsRequest } from '../../rest/forward/task-configs-request.ts'
import { workerCall, type WorkerCall } from '../../rest/forward/worker-call.ts'
import type { RecordsToRead, RecordToLocate } from '../../runtime/plugin-thread/records/readable-record.ts'
import { PluginThreads } from '../../runtime/plugin-threads.ts'
import { Lease } from '../../runtime/thread/lease.ts'
import { TaskThreads } from '../../runtime/task-threads.ts'
import type { Access } from './access.ts'
import type { CleanupStack } from './cleanup-stack.ts'
import { groupSettings, groupTimes, sessionKeySettings, taskSettings } from './derived-settings.ts'
import type { BrokerAddress } from './embedded-broker.ts'
import { createStores } from './stores.ts'
import type { WorkerConditions } from './worker-conditions.ts'
import type { WorkerEnvironment } from './worker-environment.ts'

export interface HerderParts {
  readonly config: WorkerConfig
  readonly env: WorkerEnvironment
  readonly cleanup: CleanupStack
  readonly client: KafkaClient
  readonly broker: { readonly address: BrokerAddress }
  /** `host:port` of this worker's REST API. */
  readonly workerId: string
  readonly conditions: WorkerConditions
  readonly access: Pick<Access, 'restToken'>
  /** For converters that name no schema registry. */
  readonly registry: { readonly registryUrl?: string }
}

/** The main thread returns memory to the system when the configuration has not changed for this long. Milliseconds. */
const idleMs = 10_000

/** What stopping connectors and tasks may take beyond `task.shutdown.graceful.timeout.ms`, to end their threads. */
const stopOverheadMs = 500

/** Creates the herder with its stores, its membership in the group, and the threads of connectors and tasks, which it ends. */
export function createHerder(parts: HerderParts): {
  readonly herder: WorkerHerder
  readonly plugins: Pick<PluginThreads, 'readRecords' | 'locateRecord'>
} {
  const { config, env, cleanup, client, broker, workerId, conditions, access, registry } = parts
  const { clock, logger, logLevels, logSink } = env
  const { foundPlugins, providers, offsetTopic, groupId, taskShutdownTimeoutMs } = config
  const memory = idleMemory(parts)
  const call = workerCall(access.restToken, config.forwardTls)
  const lease = Lease.create()
  const stores = createStores({ client, config, clock, logger: logger.child('storage'), conditions, cleanup, lease })
  const { admin } = client
  const offsets = new ConnectorOffsetReader({ store: stores.offsets, admin, clock, topic: offsetTopic.name })
  const groupConditions = new Conditions(logger.child('herder'))
  conditions.add('worker', () => groupConditions.standing)
  const threads = { foundPlugins, providers, logLevels, logSink, logger: logger.child('runtime'), clock }
  const created = Promise.withResolvers<PluginThreads>()
  const herder = new WorkerHerder({
    configs: stores.configs,
    statuses: new WorkerStatusStore(stores.statuses, workerId, clock),
    offsets,
    offsetWriter: new ConnectorOffsetWriter({ store: stores.offsets, admin: admin }),
    errors: new ConnectorErrorsReader({ client, clock }),
    diagnosis: diagnosisSources(parts, call),
    letters: client,
    offsetTopic: offsetTopic.name,
    fenceTasks: async (connector, tasks) => await fenceTasks(admin, groupId, connector, tasks),
    joinGroup: (handlers) => joinedGroup(parts, { lease, conditions: groupConditions, ...handlers }),
    lease,
    runConnectors: (listener) => {
      const plugins = new PluginThreads({ ...threads, listener })
      created.resolve(plugins)
      return plugins
    },
    runTasks: (listener) =>
      new TaskThreads({
        ...threads,
        lease,
        settings: taskSettings(config, broker.address, registry),
        maxThreads: config.taskThreadsMax,
        blocking: config.blocking,
        listener,
        readOffsets: async (connector, partitions) => await offsets.stored(connector, partitions),
      }),
    plugins: new PluginRegistry(foundPlugins),
    serverInfo: { version: '3.9.1', commit: 'penstock', kafkaClusterId: client.clusterId },
    groupSettings: { groupId, ...registry },
    sessionKeySettings: sessionKeySettings(config),
    sendTaskConfigs: taskConfigsRequest(call),
    gracefulMs: taskShutdownTimeoutMs,
    restarts: workerRestarts(config.parsed),
    logLevels,
    topicTracking: config.topicTracking,
    topicTrackingReset: config.topicTrackingReset,
    clock,
    logger: logger.child('herder'),
    onActivity: () => memory.active(),
  })
  cleanup.add('the threads', async () => await herder.close())
  cleanup.add('the worker group', async () => await herder.leaveGroup())
  cleanup.add('the statuses', async () => await stores.statuses.flush())
  cleanup.add('connectors and tasks', async () => await herder.stopWork(), taskShutdownTimeoutMs + stopOverheadMs)
  const plugins = {
    readRecords: async (asked: RecordsToRead) => await (await created.promise).readRecords(asked),
    locateRecord: async (asked: RecordToLocate) => await (await created.promise).locateRecord(asked),
  }
  return { herder, plugins }
}

/** The membership in the group of the workers. */
function joinedGroup(
  { config, env, client, workerId, access }: HerderParts,
  own: WorkerGroupHandlers & Pick<WorkerGroupOptions, 'lease' | 'conditions'>,
): WorkerGroup {
  const { groupId, configTopic, advertisedProtocol } = config
  return new WorkerGroup(
    (member) => client.groupMember({ groupId, protocolType: 'connect', ...groupTimes(config), ...member }),
    {
      url: `${advertisedProtocol}://${workerId}/`,
      clock: env.clock,
      logger: env.logger.child('herder'),
      configTopic: configTopic.name,
      listClasses: connectorClassesRequest(workerCall(access.restToken, config.forwardTls)),
      ...groupSettings(config),
      ...own,
    },
  )
}

function idleMemory({ env, cleanup }: HerderParts): IdleMemory {
  const memory = new IdleMemory(env.clock, idleMs)
  cleanup.add('the watch over idle memory', async () => memory.close())
  return memory
}

function diagnosisSources(
  { client, conditions, config, workerId, env }: HerderParts,
  call: WorkerCall,
): DiagnosisSources {
  return {
    client,
    conditions: () => conditions.standing(),
    askTasks: tasksRequest(call, config.advertisedProtocol, env.clock),
    workerId,
    restUrl: `${config.advertisedProtocol}://${workerId}`,
  }
}

/** Fences tasks of an exactly-once source by their transactional ids, as in Connect: `<group>-<connector>-<task>` (KIP-618). */
async function fenceTasks(admin: Admin, groupId: string, connector: string, tasks: number): Promise<void> {
  for (let task = 0; task < tasks; task += 1)
    await admin.fenceProducer(`${groupId}-${formatTaskId({ connector, task })}`)
}
