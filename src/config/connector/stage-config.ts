import type { ConfigDef, ConfigKey, ConfigProblem } from '../../api/config-def.ts'
import { ConfigError } from '../../api/errors.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { PredicatePlugin, TransformPlugin } from '../../api/converter.ts'
import type { PluginKind } from '../../plugin/plugin-descriptor.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import type { SubmittedConfig } from '../definition/config-infos.ts'

import { configWithPrefix } from '../definition/config-with-prefix.ts'
import { withOrders } from '../definition/describe-config.ts'
import { checkConfig, type ClassKey } from '../definition/parse-config.ts'
import { parseValue } from '../definition/parse-value.ts'
import { classResolver } from '../definition/resolve-class.ts'
import { pluginVersionKey } from '../definition/plugin-version.ts'

/** The keys that a connector's transforms and predicates add to its ConfigDef, and the problems across them. */
export interface StageConfig {
  readonly def: ConfigDef
  readonly problems: readonly ConfigProblem[]
}

interface Stage {
  /** The key that lists the aliases; also the first part of the keys of each alias. */
  readonly list: 'transforms' | 'predicates'
  readonly kind: PluginKind & ('transformation' | 'predicate')
  readonly title: 'Transformation' | 'Predicate'
  /** Keys that the worker reads. They hide keys of the plugin with the same name. */
  readonly own: ConfigDef
}

const transformStage: Stage = {
  list: 'transforms',
  kind: 'transformation',
  title: 'Transformation',
  own: {
    predicate: {
      type: 'STRING',
      defaultValue: null,
      importance: 'MEDIUM',
      doc: 'The alias of a predicate used to determine whether to apply this transformation.',
    },
    negate: {
      type: 'BOOLEAN',
      defaultValue: false,
      importance: 'MEDIUM',
      doc: 'Whether the configured predicate should be negated.',
    },
  },
}

const predicateStage: Stage = { list: 'predicates', kind: 'predicate', title: 'Predicate', own: {} }

/** The maximum number of aliases per list (I10): validation describes the keys of each. */
const maxAliases = 100

/** Returns the aliases in `transforms` or `predicates`, without duplicates. */
export function stageAliases(config: SubmittedConfig, list: 'transforms' | 'predicates'): readonly string[] {
  const parsed = parseValue(config[list] ?? '', 'LIST')
  const aliases = 'value' in parsed && Array.isArray(parsed.value) ? parsed.value.map(String) : []
  return [...new Set(aliases)].filter((alias) => alias !== '')
}

/**
 * Imports the transforms and predicates that a config names, and returns their keys.
 * @param creates whether those whose keys are valid are created, for what only they can tell of their configs. Not while values of
 * references are missing
 */
export async function stageConfig(
  plugins: PluginRegistry,
  config: SubmittedConfig,
  creates: boolean,
): Promise<StageConfig> {
  const def: Record<string, ConfigKey> = {}
  const problems: ConfigProblem[] = []
  for (const stage of [transformStage, predicateStage]) {
    for (const alias of stageAliases(config, stage.list).slice(0, maxAliases)) {
      const { plugin, keys } = await aliasConfig(plugins, config, stage, alias)
      Object.assign(def, keys)
      if (plugin !== null && creates) problems.push(...creationProblems(plugin, config, stage, alias))
    }
  }
  return { def, problems: [...countProblems(config), ...predicateProblems(config), ...problems] }
}

type StagePlugin = TransformPlugin | PredicatePlugin

/** Creates a transform or predicate, as its tasks do. Returns why it refuses its config. */
function creationProblems(
  plugin: StagePlugin,
  config: SubmittedConfig,
  { list, title }: Stage,
  alias: string,
): readonly ConfigProblem[] {
  const prefix = `${list}.${alias}.`
  const given = Object.entries(configWithPrefix(config, prefix))
  const own = Object.fromEntries(given.flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
  const { parsed, problems } = checkConfig(plugin.configDef, own)
  if (problems.length > 0) return []
  try {
    plugin.create(parsed, own)
    return []
  } catch (error) {
    const key = error instanceof ConfigError ? error.key : null
    const isKnown = key !== null && Object.hasOwn(plugin.configDef, key)
    const message = `${title} "${alias}" (${plugin.className}) refuses its configuration: ${errorMessage(error)}`
    return [{ key: `${prefix}${isKnown ? key : 'type'}`, message }]
  }
}

async function aliasConfig(
  plugins: PluginRegistry,
  config: SubmittedConfig,
  stage: Stage,
  alias: string,
): Promise<{ readonly plugin: StagePlugin | null; readonly keys: ConfigDef }> {
  const prefix = `${stage.list}.${alias}.`
  const group = `${stage.list === 'transforms' ? 'Transforms' : 'Predicates'}: ${alias}`
  const type: ClassKey = {
    type: 'CLASS',
    importance: 'HIGH',
    doc: `Class for the '${alias}' ${stage.title.toLowerCase()}.`,
    group,
    order: 0,
    width: 'LONG',
    displayName: `${stage.title} type for ${alias}`,
    recommended: plugins.classNames(stage.kind),
    resolveClass: classResolver(plugins, stage.kind),
  }
  const fixed = { [`${prefix}type`]: type, [`${prefix}plugin.version`]: pluginVersionKey }
  const found = plugins.find(stage.kind, config[`${prefix}type`]?.trim() ?? '')
  if (found === null) return { plugin: null, keys: fixed }
  const plugin = await plugins.load(found)
  return { plugin, keys: { ...fixed, ...embed({ ...plugin.configDef, ...stage.own }, prefix, group) } }
}

/** Returns the keys below a prefix, in Kafka's order: by group, order, required first, importance, name. */
function embed(def: ConfigDef, prefix: string, group: string): ConfigDef {
  const groups = [...new Set(Object.values(def).map((key) => key.group))]
  const importances = ['HIGH', 'MEDIUM', 'LOW']
  const rank = (key: ConfigKey): readonly number[] => [
    key.group === undefined ? -1 : groups.indexOf(key.group),
    key.order ?? -1,
    key.defaultValue === undefined ? 0 : 1,
    importances.indexOf(key.importance),
  ]
  const sorted = Object.entries(withOrders(def)).toSorted(([nameA, a], [nameB, b]) => {
    const ranksB = rank(b)
    const difference = rank(a)
      .map((value, i) => value - (ranksB[i] ?? 0))
      .find((value) => value !== 0)
    return difference ?? (nameA < nameB ? -1 : 1)
  })
  return Object.fromEntries(
    sorted.map(([name, key], index) => [
      `${prefix}${name}`,
      {
        ...key,
        displayName: key.displayName ?? name,
        group: key.group === undefined ? group : `${group}: ${key.group}`,
        order: index + 1,
      },
    ]),
  )
}

function countProblems(config: SubmittedConfig): readonly ConfigProblem[] {
  return [transformStage, predicateStage].flatMap(({ list }) => {
    const count = stageAliases(config, list).length
    const message = `"${list}" names ${count} aliases; the maximum is ${maxAliases}`
    return count > maxAliases ? [{ key: list, message }] : []
  })
}

function predicateProblems(config: SubmittedConfig): readonly ConfigProblem[] {
  const known = stageAliases(config, 'predicates')
  const problems: ConfigProblem[] = []
  for (const alias of stageAliases(config, 'transforms').slice(0, maxAliases)) {
    const key = `transforms.${alias}.predicate`
    const negate = `transforms.${alias}.negate`
    const predicate = config[key]?.trim()
    if (predicate !== undefined && !known.includes(predicate)) {
      const message = `Invalid value ${predicate} for configuration ${key}: The predicate alias is not listed in "predicates"`
      problems.push({ key, message })
    }
    if (Object.hasOwn(config, negate) && predicate === undefined) {
      const message = `Config '${negate}' was provided but there is no config '${key}' defining a predicate to be negated.`
      problems.push({ key: `transforms.${alias}.type`, message })
    }
  }
  return problems
}
