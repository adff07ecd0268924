/** The kinds of plugin that REST lists. */
export type PluginKind = 'sink' | 'source' | 'converter' | 'header_converter' | 'transformation' | 'predicate'

/** A plugin this worker can load. */
export interface PluginInfo {
  readonly className: string
  readonly kind: PluginKind
  /** Null when the plugin does not tell. */
  readonly version: string | null
}
