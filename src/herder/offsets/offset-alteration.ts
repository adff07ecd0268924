import type { RawConfig } from '../../api/config-def.ts'
import type { SourceOffsetChange } from '../../api/connector.ts'
import { ConnectError } from '../../api/errors.ts'
import type { SourcePartition } from '../../api/record.ts'
import { sinkGroupId } from '../../config/connector/connector-problems.ts'
import type { PluginThreads } from '../../runtime/plugin-threads.ts'
import type { ConnectorOffsets } from '../entities/connector-offsets.ts'
import type { HerderReads } from '../herder-reads.ts'
import type { HerderWrites } from '../herder-writes.ts'
import type { ConnectorOffsetWriter } from './connector-offset-writer.ts'
import { sinkOffsetChanges, sourceOffsetChanges, type RequestedOffset } from './offset-changes.ts'

/** Writes offsets. */
export type OffsetWriter = Pick<ConnectorOffsetWriter, 'alterSource' | 'alterSink' | 'resetSink'>

export interface OffsetAlterationOptions {
  readonly reads: Pick<HerderReads, 'connectorConfig' | 'connectorOffsets' | 'typeOf'>
  readonly writes: Pick<HerderWrites, 'whileStopped'>
  readonly writer: OffsetWriter
  readonly plugins: Pick<PluginThreads, 'alterOffsets'>
}

/** Alters and resets the offsets of connectors that are stopped (KIP-875). The plugin checks each change before it is written. */
export class OffsetAlteration {
  readonly #options: OffsetAlterationOptions

  constructor(options: OffsetAlterationOptions) {
    this.#options = options
  }

  /** Returns the message of the response. */
  async alter(connector: string, requested: readonly RequestedOffset[], signal: AbortSignal): Promise<string> {
    return await this.#options.writes.whileStopped(connector, 'alter the offsets of a connector', async () => {
      const { reads, writer, plugins } = this.#options
      const config = reads.connectorConfig(connector)
      const kind = this.#kindOf(connector, config)
      if (kind === 'source') {
        const changes = sourceOffsetChanges(requested)
        const complete = await plugins.alterOffsets(connector, config, { kind, changes })
        await writer.alterSource(connector, changes, signal)
        return outcome('altered', complete)
      }
      const changes = sinkOffsetChanges(requested)
      const complete = await plugins.alterOffsets(connector, config, { kind, changes })
      await writer.alterSink({ connector, groupId: sinkGroupId(connector, config) }, changes, signal)
      return outcome('altered', complete)
    })
  }

  /** Removes all offsets. Returns the message of the response. */
  async reset(connector: string, signal: AbortSignal): Promise<string> {
    return await this.#options.writes.whileStopped(connector, 'reset the offsets of a connector', async () => {
      const { reads, writer, plugins } = this.#options
      const config = reads.connectorConfig(connector)
      const kind = this.#kindOf(connector, config)
      const known = await reads.connectorOffsets(connector, signal)
      if (kind === 'source') {
        const changes = removalOf(known)
        const complete = await plugins.alterOffsets(connector, config, { kind, changes })
        await writer.alterSource(connector, changes, signal)
        return outcome('reset', complete)
      }
      const changes = sinkOffsetChanges(known.map(({ partition }) => ({ partition, offset: null })))
      const complete = await plugins.alterOffsets(connector, config, { kind, changes })
      await writer.resetSink({ connector, groupId: sinkGroupId(connector, config) }, signal)
      return outcome('reset', complete)
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

function removalOf(offsets: ConnectorOffsets): readonly SourceOffsetChange[] {
  return offsets.map(({ partition }) => ({ partition: partition as SourcePartition, offset: null }))
}

/** Connect's message. */
function outcome(done: 'altered' | 'reset', isComplete: boolean): string {
  if (isComplete) return `The offsets for this connector have been ${done} successfully`
  return (
    `The Connect framework-managed offsets for this connector have been ${done} successfully. However, if this connector ` +
    `manages offsets externally, they will need to be manually ${done} in the system that the connector uses.`
  )
}
