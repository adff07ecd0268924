import { withDeadline } from '../foundation/async/deadline.ts'
import { errorMessage } from '../foundation/error-message.ts'
import type { Admin } from '../client/admin.ts'
import { ConnectError, RetriableError } from '../api/errors.ts'
import type { SourceOffset, SourcePartition } from '../api/record.ts'
import type { Clock } from '../foundation/clock.ts'
import { isRetriable } from '../runtime/failures.ts'
import type { OffsetBackingStore } from '../storage/offset-backing-store.ts'
import type { ConnectorOffsets } from './entities/connector-offsets.ts'
import type { KnownOffsets } from './herder-reads.ts'

/** What reading the end of the offset topic may take: it is small, and whoever asks waits. */
const readMs = 20_000
/** A task that starts asks again and again, and shows meanwhile what it waits for. */
const taskReadMs = 5_000

/** How far connectors are: sources by the offset topic, sinks by their consumer groups. */
export class ConnectorProgress implements KnownOffsets {
  readonly #store: OffsetBackingStore
  readonly #admin: Pick<Admin, 'groupOffsets'>
  readonly #place: { readonly clock: Clock; readonly topic: string }

  /** @param place the name of the offset topic, for errors. */
  constructor(
    store: OffsetBackingStore,
    admin: Pick<Admin, 'groupOffsets'>,
    place: { readonly clock: Clock; readonly topic: string },
  ) {
    this.#store = store
    this.#admin = admin
    this.#place = place
  }

  async ofSource(connector: string, signal: AbortSignal): Promise<ConnectorOffsets> {
    await this.#refresh(readMs, signal)
    return this.#store.offsetsOf(connector).map(({ partition, offset }) => ({ partition, offset }))
  }

  /**
   * What a task that starts goes on from: the offset of each partition, in order; null where there is none.
   * @throws RetriableError when the topic cannot be read within a few seconds.
   */
  async stored(connector: string, partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]> {
    await this.#refresh(taskReadMs)
    return this.#store.read(connector, partitions)
  }

  async #refresh(ms: number, signal?: AbortSignal): Promise<void> {
    const { clock, topic } = this.#place
    try {
      await withDeadline({ clock, ms, signal }, async (bound) => await this.#store.refresh(bound))
    } catch (error) {
      signal?.throwIfAborted()
      const text = `topic ${topic} (offset.storage.topic) cannot be read: ${errorMessage(error)}. GET /health says whether it still exists`
      throw isRetriable(error) ? new RetriableError(text, { cause: error }) : new ConnectError(text, { cause: error })
    }
  }

  async ofGroup(groupId: string, signal: AbortSignal): Promise<ConnectorOffsets> {
    const offsets = await this.#admin.groupOffsets(groupId, { signal })
    return offsets.map(({ topic, partition, offset }) => ({
      partition: { kafka_topic: topic, kafka_partition: partition },
      offset: { kafka_offset: offset },
    }))
  }
}
