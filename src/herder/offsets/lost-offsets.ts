import type { Logger } from '../../foundation/logging/logger.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import type { ClusterConfigState } from '../state/cluster-config-state.ts'
import type { ConnectorOffsetReader } from './connector-offset-reader.ts'
import type { WorkerStatusStore } from '../state/worker-status-store.ts'

export interface KnownState {
  readonly configState: ClusterConfigState
  readonly statuses: WorkerStatusStore
  readonly offsets: Pick<ConnectorOffsetReader, 'isEmpty'>
  readonly plugins: PluginRegistry
}

/** Logs which sources start over, if any, because the topic with their offsets is empty. */
export function warnOfLostOffsets(
  known: KnownState & {
    /** The name of the offset topic. */
    readonly offsetTopic: string
    readonly logger: Logger
  },
): void {
  const sources = sourcesWithoutOffsets(known)
  if (sources.length === 0) return
  known.logger.warn(
    `topic ${known.offsetTopic} (offset.storage.topic) is empty, but these sources have run before and start over: ` +
      `${sources.join(', ')}. If the topic was deleted, records may be written a second time`,
  )
}

/**
 * Returns the source connectors that have run, by their statuses, although the offset topic holds no offset at all. The
 * topic was deleted and re-created, or its records are lost, and these sources start over.
 */
function sourcesWithoutOffsets({ configState, statuses, offsets, plugins }: KnownState): readonly string[] {
  if (!offsets.isEmpty) return []
  return configState.connectors().filter((name) => {
    const className = configState.config(name)?.['connector.class']?.trim() ?? ''
    if (plugins.find('source', className) === null) return false
    const isRunning = statuses.tasks(name).some(({ state }) => state === 'RUNNING')
    return isRunning || statuses.topics(name).length > 0
  })
}
