import { ConnectError, RetriableError } from '../../api/errors.ts'
import type { SourceOffset, SourcePartition } from '../../api/record.ts'
import type { Admin } from '../../client/admin.ts'
import { withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { isRetriable } from '../../runtime/failures.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { OffsetBackingStore } from '../../storage/offset-backing-store.ts'
import type { ConnectorOffsets } from '../entities/connector-offsets.ts'

export interface ConnectorOffsetReaderOptions {
  readonly store: OffsetBackingStore
  readonly admin: Pick<Admin, 'groupOffsets'>
  readonly clock: Clock
  /** The name of the offset topic, for errors. */
  readonly topic: string
}

/** How long a REST request waits until the end of the offset topic has been read; the topic is small. Milliseconds. */
const requestReadMs = 20_000
/** How long one attempt of a starting task waits for it. The task retries, and its status shows why it waits. */
const taskReadMs = 5_000

/** Reads the offsets of connectors: of sources from the offset topic, of sinks from their consumer groups. */
export class ConnectorOffsetReader {
  readonly #options: ConnectorOffsetReaderOptions

  constructor(options: ConnectorOffsetReaderOptions) {
    this.#options = options
  }

  /** Reads the offset topic to its end. @throws ConfigError, ConnectError */
  async start(signal: AbortSignal): Promise<void> {
    await this.#options.store.start(signal)
  }

  /** Whether the offset topic holds no offset at all. */
  get isEmpty(): boolean {
    return this.#options.store.isEmpty
  }

  async ofSource(connector: string, signal: AbortSignal): Promise<ConnectorOffsets> {
    await this.#refresh(requestReadMs, signal)
    return this.#options.store.offsetsOf(connector).map(({ partition, offset }) => ({ partition, offset }))
  }

  async ofGroup(groupId: string, signal: AbortSignal): Promise<ConnectorOffsets> {
    const offsets = await this.#options.admin.groupOffsets(groupId, { signal })
    return offsets.map(({ topic, partition, offset }) => ({
      partition: { kafka_topic: topic, kafka_partition: partition },
      offset: { kafka_offset: offset },
    }))
  }

  /**
   * Returns the stored offset of each partition, in the order of the partitions; null where there is none. A task that
   * starts resumes from them.
   * @throws RetriableError when the topic cannot be read within a few seconds
   */
  async stored(connector: string, partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]> {
    await this.#refresh(taskReadMs)
    return this.#options.store.read(connector, partitions)
  }

  async #refresh(ms: number, signal?: AbortSignal): Promise<void> {
    const { store, clock, topic } = this.#options
    try {
      await withDeadline({ clock, ms, signal }, async (bound) => await store.refresh(bound))
    } catch (error) {
      signal?.throwIfAborted()
      const text = `topic ${topic} (offset.storage.topic) cannot be read: ${errorMessage(error)}. GET /health shows whether it still exists`
      throw isRetriable(error) ? new RetriableError(text, { cause: error }) : new ConnectError(text, { cause: error })
    }
  }
}
