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

/**
 * Returns the source connectors that have run, by their statuses, although the offset topic holds no offset at all. The
 * topic was deleted and re-created, or its records are lost, and these sources start over.
 */
export function sourcesWithoutOffsets({ configState, statuses, offsets, plugins }: KnownState): readonly string[] {
  if (!offsets.isEmpty) return []
  return configState.connectors().filter((name) => {
    const className = configState.config(name)?.['connector.class']?.trim() ?? ''
    if (plugins.find('source', className) === null) return false
    const isRunning = statuses.tasks(name).some(({ state }) => state === 'RUNNING')
    return isRunning || statuses.topics(name).length > 0
  })
}
