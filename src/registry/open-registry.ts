import { TopicWriter } from '../storage/topic-writer.ts'
import { RegistryLog, type RegistryLogOptions } from './registry-log.ts'
import { SchemaRegistry } from './schema-registry.ts'

/** A change that is not durable after this time fails, and its client retries it. Milliseconds. */
const deliveryTimeoutMs = 30_000

export interface OpenRegistryOptions extends Omit<RegistryLogOptions, 'writer'> {
  /** Receives why the topic cannot be written, and when it can again (null). */
  readonly setCondition?: ConstructorParameters<typeof TopicWriter>[1]
}

/**
 * Opens the registry on its topic, which is created if there is none.
 * @throws ConfigError, ConnectError when the topic cannot be created or read
 */
export async function openRegistry({ setCondition, ...options }: OpenRegistryOptions): Promise<SchemaRegistry> {
  const writer = new TopicWriter(options.client, setCondition, { deliveryTimeoutMs })
  const log = new RegistryLog({ ...options, writer })
  try {
    await log.start()
  } catch (error) {
    await writer.close(AbortSignal.abort())
    throw error
  }
  return new SchemaRegistry({ log, writer, clusterId: options.client.clusterId })
}
