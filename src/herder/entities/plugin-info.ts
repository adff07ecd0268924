import type { PluginKind } from '../../plugin/plugin-descriptor.ts'

/** A plugin this worker can load. */
export interface PluginInfo {
  readonly className: string
  readonly kind: PluginKind
  /** Null when the plugin does not report one. */
  readonly version: string | null
}
