import type { RawConfig } from '../../api/config-def.ts'
import { ConnectError } from '../../api/errors.ts'
import type { SourcePartition } from '../../api/record.ts'
import { sinkGroupId } from '../../config/connector/connector-problems.ts'
import type { OffsetChanges } from '../../runtime/plugin-thread/plugin-thread-messages.ts'
import type { PluginThreads } from '../../runtime/plugin-threads.ts'
import type { HerderReads } from '../herder-reads.ts'
import type { HerderWrites } from '../herder-writes.ts'
import type { ConnectorOffsetWriter } from './connector-offset-writer.ts'
import { sinkOffsetChanges, sourceOffsetChanges, type RequestedOffset } from './offset-changes.ts'

/** Writes offsets. */
export type OffsetWriter = Pick<ConnectorOffsetWriter, 'alterSource' | 'alterSink' | 'resetSink' | 'replaySink'>

export interface OffsetAlterationOptions {
  readonly reads: Pick<HerderReads, 'connectorConfig' | 'connectorOffsets' | 'typeOf'>
  readonly writes: Pick<HerderWrites, 'whileStopped'>
  readonly writer: OffsetWriter
  readonly plugins: Pick<PluginThreads, 'alterOffsets'>
}

/** What is to change, and how it is written once the plugin has accepted it. */
interface PlannedChange {
  readonly offsets: OffsetChanges
  readonly write: () => Promise<void>
}

type PlanOfChange = (
  kind: 'source' | 'sink',
  group: { readonly connector: string; readonly groupId: string },
) => Promise<PlannedChange>

/** Alters and resets the offsets of connectors that are stopped (KIP-875). The plugin checks each change before it is written. */
export class OffsetAlteration {
  readonly #options: OffsetAlterationOptions

  constructor(options: OffsetAlterationOptions) {
    this.#options = options
  }

  /** Returns the message of the response. */
  async alter(connector: string, requested: readonly RequestedOffset[], signal: AbortSignal): Promise<string> {
    const { writer } = this.#options
    return await this.#changed(connector, 'altered', async (kind, group) => {
      if (kind === 'source') {
        const changes = sourceOffsetChanges(requested)
        return { offsets: { kind, changes }, write: async () => await writer.alterSource(connector, changes, signal) }
      }
      const changes = sinkOffsetChanges(requested)
      return { offsets: { kind, changes }, write: async () => await writer.alterSink(group, changes, signal) }
    })
  }

  /** Removes all offsets. Returns the message of the response. */
  async reset(connector: string, signal: AbortSignal): Promise<string> {
    const { reads, writer } = this.#options
    return await this.#changed(connector, 'reset', async (kind, group) => {
      const known = await reads.connectorOffsets(connector, signal)
      if (kind === 'source') {
        const changes = known.map(({ partition }) => ({ partition: partition as SourcePartition, offset: null }))
        return { offsets: { kind, changes }, write: async () => await writer.alterSource(connector, changes, signal) }
      }
      const changes = sinkOffsetChanges(known.map(({ partition }) => ({ partition, offset: null })))
      return { offsets: { kind, changes }, write: async () => await writer.resetSink(group, signal) }
    })
  }

  /** Has the plugin check a change, then writes it, while the connector is stopped. */
  async #changed(connector: string, done: 'altered' | 'reset', plan: PlanOfChange): Promise<string> {
    const { reads, writes, plugins } = this.#options
    const verb = done === 'altered' ? 'alter' : 'reset'
    return await writes.whileStopped(connector, `${verb} the offsets of a connector`, async (mustLead) => {
      const config = reads.connectorConfig(connector)
      const group = { connector, groupId: sinkGroupId(connector, config) }
      const { offsets, write } = await plan(this.#kindOf(connector, config), group)
      const isComplete = await plugins.alterOffsets(connector, config, offsets)
      await mustLead()
      await write()
      return outcome(done, isComplete)
    })
  }

  #kindOf(connector: string, config: RawConfig): 'source' | 'sink' {
    const kind = this.#options.reads.typeOf(config)
    if (kind !== 'unknown') return kind
    const name = config['connector.class'] ?? ''
    throw new ConnectError(
      `Failed to modify offsets for connector ${connector}: this worker has no plugin for connector.class ${name}`,
    )
  }
}

/** Connect's message. */
function outcome(done: 'altered' | 'reset', isComplete: boolean): string {
  if (isComplete) return `The offsets for this connector have been ${done} successfully`
  return (
    `The Connect framework-managed offsets for this connector have been ${done} successfully. However, if this connector ` +
    `manages offsets externally, they will need to be manually ${done} in the system that the connector uses.`
  )
}
