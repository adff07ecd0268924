import type { ParsedConfig, RawConfig } from './config-def.ts'
import type { PluginHead } from './converter.ts'

/**
 * Resolves the references `${provider:path:key}` of configs. An instance serves one resolution: it is created, called once for
 * each path, and closed. So a restart of a task reads its secrets again.
 */
export interface ConfigProvider {
  /**
   * Returns the values of `keys` at `path`, by key. A key without a value is left out: whatever needs it fails, and the error
   * names the reference.
   * @param path empty in the short form `${provider:key}`
   * @param keys without duplicates, at least one
   * @param signal fires when the result is not needed any more; a call may take 30 seconds
   * @throws ConfigError or ConnectError when `path` cannot be read. The message is shown to operators: it must not contain
   *   values.
   */
  get(path: string, keys: readonly string[], signal: AbortSignal): Promise<Readonly<Record<string, string>>>
  /**
   * Returns for how long the values that `get` has returned for `path` can be used, in milliseconds (Kafka: `ConfigData.ttl`). After
   * that they are read again, and what uses one that has changed is restarted. Null, or without the method: until a restart.
   */
  ttlMs?(path: string): number | null
  /** Frees what the instance has opened. */
  close?(): Promise<void>
}

export interface ConfigProviderPlugin extends PluginHead {
  readonly kind: 'configprovider'
  /**
   * @param config the settings `config.providers.<name>.param.*` of the worker, without this prefix, parsed by `configDef`
   * @param raw the same as in the worker's file
   * @throws ConfigError when they are not valid. It is also called when the worker starts, to check them.
   */
  create(config: ParsedConfig, raw: RawConfig): ConfigProvider
}
