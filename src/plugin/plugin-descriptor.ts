import type { ConfigProviderPlugin } from '../api/config-provider.ts'
import type { ConnectorPlugin } from '../api/connector.ts'
import type { ConverterPlugin, HeaderConverterPlugin, PredicatePlugin, TransformPlugin } from '../api/converter.ts'

/** The type of the export of each kind of plugin. */
export interface PluginOfKind {
  readonly source: ConnectorPlugin
  readonly sink: ConnectorPlugin
  readonly converter: ConverterPlugin
  readonly header_converter: HeaderConverterPlugin
  readonly transformation: TransformPlugin
  readonly predicate: PredicatePlugin
  readonly configprovider: ConfigProviderPlugin
}

/** The kinds of plugin, with the names of Connect's REST API. */
export type PluginKind = keyof PluginOfKind

/** The description of a plugin, which is known without importing its code. */
export interface PluginDescriptor<K extends PluginKind = PluginKind> {
  readonly kind: K
  readonly className: string
  /** Names besides those derived from the class name. */
  readonly aliases: readonly string[]
  readonly version: string
  /** URL of the module. */
  readonly module: string
  /** The module's export that holds the plugin. */
  readonly exportName: string
  /** The directory of `plugin.path` in which it was found; null for Penstock's own plugins. */
  readonly location: string | null
}
