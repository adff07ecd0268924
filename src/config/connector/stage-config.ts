import type { ConfigDef, ConfigKey, ConfigProblem } from '../../api/config-def.ts'
import type { PluginKind } from '../../plugin/plugin-descriptor.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import type { SubmittedConfig } from '../definition/config-infos.ts'
import type { ClassKey } from '../definition/parse-config.ts'

import { withOrders } from '../definition/describe-config.ts'
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

/** Imports the transforms and predicates that a config names, and returns their keys. */
export async function stageConfig(plugins: PluginRegistry, config: SubmittedConfig): Promise<StageConfig> {
  const def: Record<string, ConfigKey> = {}
  for (const stage of [transformStage, predicateStage]) {
    for (const alias of stageAliases(config, stage.list).slice(0, maxAliases)) {
      Object.assign(def, await aliasConfig(plugins, config, stage, alias))
    }
  }
  return { def, problems: [...countProblems(config), ...predicateProblems(config)] }
}

async function aliasConfig(
  plugins: PluginRegistry,
  config: SubmittedConfig,
  stage: Stage,
  alias: string,
): Promise<ConfigDef> {
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
  if (found === null) return fixed
  const plugin = await plugins.load(found)
  return { ...fixed, ...embed({ ...plugin.configDef, ...stage.own }, prefix, group) }
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
