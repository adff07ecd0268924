import type { ConfigFold } from '../../herder/config-fold.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import type { Stores } from './stores.ts'

/**
 * Source connectors that have run, by the status topic, while the offset topic holds no offset at all: it was deleted and made
 * again, or its records are lost, and they start over.
 */
export function sourcesWithoutOffsets(fold: ConfigFold, stores: Stores, plugins: PluginRegistry): readonly string[] {
  const { offsets, statuses } = stores
  if (!offsets.isEmpty) return []
  return fold.connectors().filter((name) => {
    const className = fold.config(name)?.['connector.class']?.trim() ?? ''
    if (plugins.find('source', className) === null) return false
    const isRunning = [...statuses.tasks(name).values()].some(({ state }) => state === 'RUNNING')
    return isRunning || statuses.topics(name).length > 0
  })
}
