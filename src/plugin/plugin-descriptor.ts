import type { ConnectorPlugin } from '../api/connector.ts'
import type {
  ConfigProviderPlugin,
  ConverterPlugin,
  HeaderConverterPlugin,
  PredicatePlugin,
  TransformPlugin,
} from '../api/converter.ts'

/** What each kind of plugin exports. */
export interface PluginOfKind {
  readonly source: ConnectorPlugin
  readonly sink: ConnectorPlugin
  readonly converter: ConverterPlugin
  readonly header_converter: HeaderConverterPlugin
  readonly transformation: TransformPlugin
  readonly predicate: PredicatePlugin
  readonly configprovider: ConfigProviderPlugin
}

/** The kinds of plugin, as Connect's REST API writes them. */
export type PluginKind = keyof PluginOfKind

/** All that is known of a plugin without importing its code. */
export interface PluginDescriptor<K extends PluginKind = PluginKind> {
  readonly kind: K
  readonly className: string
  /** Further names than those that follow from the class name. */
  readonly aliases: readonly string[]
  readonly version: string
  /** URL of the module. */
  readonly module: string
  /** The module's export that holds the plugin. */
  readonly exportName: string
  /** The plugin.path folder it was found in; null for what comes with Penstock. */
  readonly location: string | null
}
