import type { SinkOffsetChange, SourceOffsetChange } from '../../api/connector.ts'
import { ConnectError } from '../../api/errors.ts'
import type { Admin } from '../../client/admin.ts'
import { BrokerError, FencedMemberError } from '../../client/errors.ts'
import type { GroupOffset } from '../../client/group/group-offsets.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import type { OffsetBackingStore } from '../../storage/offset-backing-store.ts'

export interface ConnectorOffsetWriterOptions {
  readonly store: Pick<OffsetBackingStore, 'alter'>
  readonly admin: Pick<Admin, 'alterGroupOffsets' | 'deleteGroupOffsets' | 'deleteGroup'>
}

/** The codes by which a broker says that a group still has members. */
const hasMembers: ReadonlySet<string> = new Set(['NON_EMPTY_GROUP', 'GROUP_SUBSCRIBED_TO_TOPIC'])

/** Writes the offsets of connectors that are stopped: of sources to the offset topic, of sinks to their consumer groups. */
export class ConnectorOffsetWriter {
  readonly #options: ConnectorOffsetWriterOptions

  constructor(options: ConnectorOffsetWriterOptions) {
    this.#options = options
  }

  /** Resolves when the offsets are durable. @throws ConnectError */
  async alterSource(connector: string, changes: readonly SourceOffsetChange[], signal: AbortSignal): Promise<void> {
    if (changes.length > 0) await this.#options.store.alter(connector, changes, signal)
  }

  /** @throws ConnectError, also when the group has members */
  async alterSink(
    { connector, groupId }: { readonly connector: string; readonly groupId: string },
    changes: readonly SinkOffsetChange[],
    signal: AbortSignal,
  ): Promise<void> {
    const { admin } = this.#options
    const offsets = changes.flatMap(({ topic, partition, offset }) => {
      if (offset !== null && offset < 0) {
        const place = formatTopicPartition({ topic, partition })
        throw new ConnectError(
          `Failed to modify offsets for sink connector ${connector}: offset ${offset} of ${place} is negative`,
        )
      }
      return offset === null ? [] : [{ topic, partition, offset }]
    })
    const removed = changes.filter(({ offset }) => offset === null)
    await this.#ofGroup(connector, 'alter', async () => {
      if (offsets.length > 0) await admin.alterGroupOffsets(groupId, offsets, { signal })
      if (removed.length > 0) await admin.deleteGroupOffsets(groupId, removed, { signal })
    })
  }

  /** Sets the offsets of a sink back, with what is delivered from there on. @throws ConnectError, also when the group has members */
  async replaySink(
    { connector, groupId }: { readonly connector: string; readonly groupId: string },
    offsets: readonly GroupOffset[],
    signal: AbortSignal,
  ): Promise<void> {
    const { admin } = this.#options
    await this.#ofGroup(connector, 'alter', async () => await admin.alterGroupOffsets(groupId, offsets, { signal }))
  }

  /** Deletes the group; one that does not exist has no offsets. @throws ConnectError, also when the group has members */
  async resetSink(
    { connector, groupId }: { readonly connector: string; readonly groupId: string },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#ofGroup(
      connector,
      'reset',
      async () => void (await this.#options.admin.deleteGroup(groupId, { signal })),
    )
  }

  async #ofGroup(connector: string, what: 'alter' | 'reset', action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      const failed = `Failed to ${what} consumer group offsets for connector ${connector}`
      const isBusy =
        error instanceof FencedMemberError || (error instanceof BrokerError && hasMembers.has(error.codeName))
      if (!isBusy) throw new ConnectError(`${failed}: ${errorMessage(error)}`, { cause: error })
      throw new ConnectError(
        `${failed} either because its tasks haven't stopped completely yet or the connector was resumed before the request to ` +
          `${what} its offsets could be successfully completed. If the connector is in a stopped state, this operation can be ` +
          "safely retried. If it doesn't eventually succeed, another program may be a member of the group, or the worker that " +
          'runs the sink tasks may have to be restarted.',
        { cause: error },
      )
    }
  }
}
