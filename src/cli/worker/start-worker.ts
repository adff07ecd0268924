import { KafkaClient } from '../../client/kafka-client.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import { Meters } from '../../foundation/metrics/meters.ts'
import { startRest, type RestOptions } from '../../rest/rest-server.ts'
import { labelled, prometheusText } from '../../foundation/metrics/prometheus-text.ts'
import { accessOf, restUsers } from './access.ts'
import { CleanupStack } from './cleanup-stack.ts'
import { createHerder } from './create-herder.ts'
import { openBroker } from './embedded-broker.ts'
import { InternalTopicWatch } from './internal-topic-watch.ts'
import { restListeners } from './listeners.ts'
import { processSamples } from './process-samples.ts'
import { workerTopics } from '../topics/worker-topics.ts'
import { WorkerConditions } from './worker-conditions.ts'
import { registryForConverters, workerRegistry } from '../registry/worker-registry.ts'
import type { WorkerEnvironment } from './worker-environment.ts'

/** A running worker. */
export interface RunningWorker {
  readonly restUrl: string
  /** `host:port` of the embedded broker; null on a cluster. */
  readonly brokerAddress: string | null
  /** Resolves with the reason when the embedded broker dies; never on a cluster. */
  readonly brokerDied: Promise<Error>
  /** Stops gracefully (I9): tasks flush, offsets are committed, the group is left, the embedded broker stops last (ADR 0013). */
  stop(): Promise<void>
}

/**
 * Starts a worker: broker, client, herder, REST.
 * @param signal abandons the startup, which waits while a cluster does not respond
 * @throws what prevents the startup, after cleaning up what had started
 */
export async function startWorker(
  config: WorkerConfig,
  env: WorkerEnvironment,
  signal: AbortSignal,
): Promise<RunningWorker> {
  const { logger, clock } = env
  await using cleanup = new CleanupStack(logger, clock)
  // First, as a token file that cannot be used prevents the startup.
  const access = accessOf(config)
  const conditions = new WorkerConditions()
  const broker = await openBroker({ config, access, env, cleanup, conditions })
  const client = await KafkaClient.connect({
    ...broker.address,
    clientId: `${config.groupId}-worker`,
    clock,
    logger: logger.child('client'),
    signal,
  })
  cleanup.add('the client', async () => await client.close())
  const { listeners, advertisedHost, workerId } = await restListeners(config)
  const registry = registryForConverters(config, listeners, access)
  const parts = { config, env, cleanup, client, broker, workerId, conditions, access, registry }
  const { herder, plugins } = createHerder(parts)
  await herder.start(signal)
  const watch = new InternalTopicWatch({
    topics: config,
    servers: broker.listenAddress ?? broker.address.bootstrapServers,
    admin: client.admin,
    clock,
    logger: logger.child('storage'),
  })
  cleanup.add('the watch over internal topics', async () => watch.close())
  conditions.add('worker', () => watch.conditions)
  const meters = new Meters()
  const samples = () => [...processSamples(), ...herder.samples()]
  const own = () => [...samples(), ...conditions.samples(), ...labelled(meters.samples())]
  const rest = await startRest({
    herder,
    metrics: async () => prometheusText([...labelled(await broker.samples()), ...own()]),
    conditions: () => conditions.lines(),
    worker: { id: workerId, samples },
    topics: workerTopics({ config, client, herder, plugins, registry, clock }),
    ...workerRegistry({ config, client, env, cleanup, conditions }),
    ...(access.restToken === null ? {} : { token: access.restToken }),
    ...restUsers({ access, env, cleanup, conditions }),
    meters,
    listeners,
    ...restSettings(config),
    hosts: [...config.listenersHosts, advertisedHost],
    clock,
    logger: logger.child('rest'),
    audit: logger.child('audit'),
  })
  cleanup.add('the REST API', async () => await rest.close())
  const running = cleanup.move()
  return {
    restUrl: rest.url,
    brokerAddress: broker.listenAddress,
    brokerDied: broker.died,
    stop: async () => await running[Symbol.asyncDispose](),
  }
}

/** What the config alone says about the REST API. */
function restSettings(config: WorkerConfig): Partial<RestOptions> {
  return {
    adminListeners: config.adminListeners,
    crossOrigin: config.crossOrigin,
    forwardTls: config.forwardTls,
    headers: config.responseHeaders,
    limits: config.restLimits,
    masksPasswords: config.restMaskPasswords,
    servesDocs: config.restDocs,
  }
}
