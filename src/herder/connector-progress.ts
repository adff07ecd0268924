import type { Admin } from '../client/admin.ts'
import type { OffsetBackingStore } from '../storage/offset-backing-store.ts'
import type { ConnectorOffsets } from './entities/connector-offsets.ts'
import type { KnownOffsets } from './herder-reads.ts'

/** How far connectors are: sources by the offset topic, sinks by their consumer groups. */
export class ConnectorProgress implements KnownOffsets {
  readonly #store: OffsetBackingStore
  readonly #admin: Pick<Admin, 'groupOffsets'>

  constructor(store: OffsetBackingStore, admin: Pick<Admin, 'groupOffsets'>) {
    this.#store = store
    this.#admin = admin
  }

  async ofSource(connector: string, signal: AbortSignal): Promise<ConnectorOffsets> {
    await this.#store.refresh(signal)
    return this.#store.offsetsOf(connector).map(({ partition, offset }) => ({ partition, offset }))
  }

  async ofGroup(groupId: string, signal: AbortSignal): Promise<ConnectorOffsets> {
    const offsets = await this.#admin.groupOffsets(groupId, { signal })
    return offsets.map(({ topic, partition, offset }) => ({
      partition: { kafka_topic: topic, kafka_partition: partition },
      offset: { kafka_offset: offset },
    }))
  }
}
