import type { SinkPlace } from '../../../api/connector.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { ReferenceResolver } from '../../../config/providers/config-providers.ts'
import { parseConfig } from '../../../config/definition/parse-config.ts'
import type { PluginRegistry } from '../../../plugin/plugin-registry.ts'
import { applyTransforms } from '../../task-thread/conversion/transform-chain.ts'
import { loadConverters, loadTransforms } from '../../task-thread/task-plugins.ts'
import type { RecordToLocate } from './readable-record.ts'
import { decoded, whenReady } from './record-reading.ts'

export interface RecordPlacesOptions {
  readonly plugins: PluginRegistry
  readonly secrets: ReferenceResolver
  readonly logger: Logger
}

/** Where a sink has put a record. `isKnown`: whether its plugin can say. */
export interface LocatedRecord {
  readonly isKnown: boolean
  readonly place: SinkPlace | null
}

/**
 * Asks the plugin of a sink for the place of a record in its target, after the converters and transforms of its config.
 * @throws what they throw, and the plugin
 */
export async function locatedRecord(
  { topic, config: raw, worker, record }: RecordToLocate,
  { plugins, secrets, logger }: RecordPlacesOptions,
  signal: AbortSignal,
): Promise<LocatedRecord> {
  const plugin = await plugins.load(plugins.connector(raw['connector.class'] ?? ''))
  if (plugin.locate === undefined) return { isKnown: false, place: null }
  const config = (await secrets.resolve([raw], signal)).complete(raw)
  const converters = await loadConverters(plugins, config, worker)
  const steps = await loadTransforms(plugins, config, logger)
  const found = await whenReady(signal, () => applyTransforms(steps, decoded(converters, topic, record)))
  const place = found === null ? null : await plugin.locate(parseConfig(plugin.configDef, config), found, signal)
  return { isKnown: true, place }
}
