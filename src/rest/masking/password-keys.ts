import type { SubmittedConfig } from '../../config/definition/config-infos.ts'
import { stageAliases } from '../../config/connector/stage-config.ts'
import { sinkConfigDef } from '../../config/connector/sink-config-def.ts'
import { sourceConfigDef } from '../../config/connector/source-config-def.ts'
import { withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { PasswordTest } from './password-mask.ts'

/** Keys without a definition that probably hold a secret: mistyped ones, and those of clients and schema registries. */
const secretNames = /pass(?:word|phrase|wd)|secret|token|credential|jaas|user\.info|(?:api|private|access)[._-]?key/i

/** How long a plugin thread may take to tell the keys of a plugin. All values of a plugin that is late are hidden. */
const maxMs = 5000
/** The plugins whose keys are looked up for one config (I10). */
const maxPlugins = 250

/** The keys of a plugin that are passwords, and all it has; null: the plugin is unknown. */
interface PluginKeys {
  readonly all: ReadonlySet<string>
  readonly passwords: ReadonlySet<string>
}

/** A plugin of a connector, and the beginning of its keys in the connector's config. */
interface UsedPlugin {
  readonly prefix: string
  readonly name: string
}

/** Where the definitions of a plugin's keys come from: a herder, or the REST API of a worker. */
export interface PluginDefinitions {
  pluginConfig(
    plugin: string,
    version: string | null,
    signal: AbortSignal,
  ): Promise<readonly { readonly name: string; readonly type: string }[]>
}

/**
 * Tells which keys of connector configs hold passwords: those of type PASSWORD of the connector, its transforms, predicates and
 * converters. Of a plugin that this worker does not have, all values are taken for passwords.
 */
export class PasswordKeys {
  readonly #definitions: PluginDefinitions
  readonly #clock: Clock
  /** By class name or alias. Only names of plugins are kept. */
  readonly #known = new Map<string, Promise<PluginKeys | null>>()

  constructor(definitions: PluginDefinitions, clock: Clock) {
    this.#definitions = definitions
    this.#clock = clock
  }

  /** Returns the test for a connector's config, and for the configs of its tasks. */
  async of(config: SubmittedConfig): Promise<PasswordTest> {
    const used = usedPlugins(config)
    const plugins = await Promise.all(
      used.slice(0, maxPlugins).map(async ({ prefix, name }) => ({ prefix, keys: await this.#keysOf(name) })),
    )
    const unseen = used.slice(maxPlugins).map(({ prefix }) => ({ prefix, keys: null }))
    // The longest prefix first: the keys of a transform begin as those of the connector may.
    const all = [...plugins, ...unseen].toSorted((a, b) => b.prefix.length - a.prefix.length)
    return (key) => {
      for (const { prefix, keys } of all) {
        if (!key.startsWith(prefix)) continue
        const own = key.slice(prefix.length)
        if (keys?.passwords.has(own) === true) return true
        if (keys?.all.has(own) === true || isFrameworkKey(key)) return false
        if (prefix !== '' && stageKeys.has(own)) return false
        if (keys === null) return true
      }
      return secretNames.test(key)
    }
  }

  async #keysOf(name: string): Promise<PluginKeys | null> {
    const known = this.#known.get(name) ?? this.#read(name)
    this.#known.set(name, known)
    const keys = await known
    if (keys === null) this.#known.delete(name)
    return keys
  }

  /** Null when there is no such plugin, or it cannot be read: the values are hidden then. */
  async #read(name: string): Promise<PluginKeys | null> {
    try {
      const found = await withDeadline({ clock: this.#clock, ms: maxMs }, async (signal) =>
        this.#definitions.pluginConfig(name, null, signal),
      )
      const passwords = found.filter(({ type }) => type === 'PASSWORD')
      return { all: new Set(found.map((key) => key.name)), passwords: new Set(passwords.map((key) => key.name)) }
    } catch {
      return null
    }
  }
}

/** The keys of a transform that the worker reads. */
const stageKeys: ReadonlySet<string> = new Set(['type', 'predicate', 'negate'])
const converterKeys: readonly string[] = ['key.converter', 'value.converter', 'header.converter']

function usedPlugins(config: SubmittedConfig): readonly UsedPlugin[] {
  const named = (prefix: string, key: string): readonly UsedPlugin[] => {
    const name = config[key]?.trim() ?? ''
    return name === '' ? [] : [{ prefix, name }]
  }
  const stages = (['transforms', 'predicates'] as const).flatMap((list) =>
    stageAliases(config, list).flatMap((alias) => named(`${list}.${alias}.`, `${list}.${alias}.type`)),
  )
  const converters = converterKeys.flatMap((key) => named(`${key}.`, key))
  return [{ prefix: '', name: config['connector.class']?.trim() ?? '' }, ...converters, ...stages]
}

/** What a worker reads itself, and shows in error messages too. */
function isFrameworkKey(key: string): boolean {
  return Object.hasOwn(sourceConfigDef, key) || Object.hasOwn(sinkConfigDef, key)
}
