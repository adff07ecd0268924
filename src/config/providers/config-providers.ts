import type { ConfigProvider, ConfigProviderPlugin } from '../../api/config-provider.ts'
import { ConfigError, RetriableError } from '../../api/errors.ts'
import { DeadlineExceededError, settledWithin, withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { nearestKey } from '../definition/nearest-key.ts'
import { parseConfig } from '../definition/parse-config.ts'
import { providerReferences, type ProviderReference } from './provider-reference.ts'
import { providersKey, type ProviderSettings } from './provider-settings.ts'
import { ResolvedReferences, type FoundValue, type Lookup } from './resolved-references.ts'

export interface ConfigProvidersOptions {
  readonly settings: readonly ProviderSettings[]
  readonly plugins: PluginRegistry
  readonly clock: Clock
}

/** Resolves the references of configs. */
export interface ReferenceResolver {
  /**
   * Looks up all references of the configs. A reference that cannot be resolved is a problem of the result, not an error.
   * @throws the reason of the signal
   */
  resolve(
    configs: readonly Readonly<Record<string, string | null>>[],
    signal?: AbortSignal,
  ): Promise<ResolvedReferences>
}

/** How long a provider may take for one path. Milliseconds. */
const callMs = 30_000
const closeMs = 1_000

/**
 * Resolves references with the config providers of the worker. It runs code of plugins. Nothing is kept: each resolution
 * creates the providers that it needs, and closes them, so that it returns what they hold now.
 */
export class ConfigProviders implements ReferenceResolver {
  readonly #options: ConfigProvidersOptions

  constructor(options: ConfigProvidersOptions) {
    this.#options = options
  }

  /** Creates and closes each provider. @throws ConfigError naming the setting that is missing or invalid */
  async check(): Promise<void> {
    for (const settings of this.#options.settings) {
      await this.#close(await this.#create(settings))
    }
  }

  async resolve(
    configs: readonly Readonly<Record<string, string | null>>[],
    signal?: AbortSignal,
  ): Promise<ResolvedReferences> {
    const values = configs.flatMap((config) => Object.values(config))
    const references = new Map(values.flatMap((value) => providerReferences(value ?? '')).map((one) => [one.text, one]))
    const byProvider = Map.groupBy(references.values(), ({ provider }) => provider)
    const found = await Promise.all(
      [...byProvider].map(async ([name, ofProvider]) => await this.#ofProvider(name, ofProvider, signal)),
    )
    signal?.throwIfAborted()
    return new ResolvedReferences(new Map(found.flat()))
  }

  async #ofProvider(
    name: string,
    references: readonly ProviderReference[],
    signal: AbortSignal | undefined,
  ): Promise<readonly (readonly [string, Lookup])[]> {
    const settings = this.#options.settings.find((one) => one.name === name)
    const failed = (problem: string) => references.map(({ text }) => [text, { problem, isRetriable: false }] as const)
    if (settings === undefined) return failed(this.#unknown())
    let provider: ConfigProvider
    try {
      provider = await this.#create(settings)
    } catch (error) {
      return failed(errorMessage(error))
    }
    try {
      const byPath = [...Map.groupBy(references, ({ path }) => path).values()]
      const found = await Promise.all(byPath.map(async (ofPath) => await this.#atPath(provider, ofPath, signal)))
      return found.flat()
    } finally {
      await this.#close(provider)
    }
  }

  async #atPath(
    provider: ConfigProvider,
    references: readonly ProviderReference[],
    signal: AbortSignal | undefined,
  ): Promise<readonly (readonly [string, Lookup])[]> {
    const path = references[0]?.path ?? ''
    const keys = [...new Set(references.map(({ key }) => key))]
    let values: unknown
    let ttl: Pick<FoundValue, 'ttlMs'>
    try {
      const deadline = { clock: this.#options.clock, ms: callMs, signal }
      values = await withDeadline(deadline, async (within) => await provider.get(path, keys, within))
      ttl = ttlOf(provider, path)
    } catch (error) {
      const isLate = error instanceof DeadlineExceededError || signal?.aborted === true
      if (keys.length === 1 || isLate) {
        const failure = { problem: errorMessage(error), isRetriable: isLate || error instanceof RetriableError }
        return references.map(({ text }) => [text, failure])
      }
      // Alone, each key has its own problem, or none.
      const byKey = [...Map.groupBy(references, ({ key }) => key).values()]
      return (await Promise.all(byKey.map(async (ofKey) => await this.#atPath(provider, ofKey, signal)))).flat()
    }
    return references.map(({ text, key }) => {
      const value = propertyOf(values, key)
      const where = path === '' ? '' : ` at ${path}`
      return [
        text,
        typeof value === 'string'
          ? { value, ...ttl }
          : { problem: `there is no key ${JSON.stringify(key)}${where}`, isRetriable: false },
      ]
    })
  }

  /** The values are known already, so an error or a call that hangs does not matter. A plugin may return no promise. */
  async #close(provider: ConfigProvider): Promise<void> {
    const closed = async (): Promise<void> => await provider.close?.()
    await settledWithin(this.#options.clock, closeMs, closed())
  }

  #unknown(): string {
    const names = this.#options.settings.map(({ name }) => name).join(', ')
    return `the worker has no such provider; its setting "${providersKey}" ${names === '' ? 'is empty' : `lists ${names}`}`
  }

  async #create({ name, className, params }: ProviderSettings): Promise<ConfigProvider> {
    const { plugins } = this.#options
    const key = `${providersKey}.${name}`
    const descriptor = plugins.find('configprovider', className)
    if (descriptor === null) {
      const known = plugins.classNames('configprovider').join(', ')
      throw new ConfigError(
        `Invalid value ${className} for configuration ${key}.class: there is no such config provider. Available are ${known}`,
      )
    }
    const plugin: ConfigProviderPlugin = await plugins.load(descriptor)
    if (descriptor.location === null) refuseUnknown(plugin, Object.keys(params), `${key}.param.`)
    try {
      return plugin.create(parseConfig(plugin.configDef, params), params)
    } catch (cause) {
      throw new ConfigError(`Worker configuration "${key}.param.*" is not valid: ${errorMessage(cause)}`, { cause })
    }
  }
}

/** What a plugin returns may be anything. */
function propertyOf(values: unknown, key: string): unknown {
  return typeof values === 'object' && values !== null && Object.hasOwn(values, key)
    ? Reflect.get(values, key)
    : undefined
}

function ttlOf(provider: ConfigProvider, path: string): Pick<FoundValue, 'ttlMs'> {
  const ttlMs: unknown = provider.ttlMs?.(path)
  return typeof ttlMs === 'number' && ttlMs > 0 && Number.isFinite(ttlMs) ? { ttlMs } : {}
}

/** A mistyped `allowed.paths` would allow all paths. */
function refuseUnknown({ configDef }: ConfigProviderPlugin, names: readonly string[], prefix: string): void {
  const unknown = names.find((name) => !Object.hasOwn(configDef, name))
  if (unknown === undefined) return
  const nearest = nearestKey(unknown, Object.keys(configDef))
  const hint = nearest === null ? `it has ${Object.keys(configDef).join(', ')}` : `did you mean "${prefix}${nearest}"?`
  throw new ConfigError(`Worker configuration "${prefix}${unknown}" is not a parameter of the provider; ${hint}`)
}
