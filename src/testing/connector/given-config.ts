import type { ConfigDef, ConfigProblem, ParsedConfig, RawConfig } from '../../api/config-def.ts'
import type { ConnectorPlugin } from '../../api/connector.ts'
import { checkConfig, parseConfig, type CheckedConfig } from '../../config/definition/parse-config.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { rules } from '../contract/rules.ts'
import { frozen } from '../data/frozen.ts'
import type { GivenConfig } from '../host/task-context.ts'

/** Returns a config in the two forms that plugins get, neither of which they may change. @throws ConfigError */
export function givenConfig(configDef: ConfigDef, raw: RawConfig): GivenConfig {
  return { config: frozen(parseConfig(configDef, raw)), raw: frozen({ ...raw }) }
}

/** Validates a config as the worker does, but for `check`. @throws ContractError if a validator throws */
export async function ownProblems(run: CaseRun, plugin: ConnectorPlugin, raw: RawConfig): Promise<CheckedConfig> {
  const { parsed, problems } = await run.call('the validators of configDef', rules.validator, () =>
    checkConfig(plugin.configDef, raw),
  )
  const unsupported = Object.keys(raw).flatMap((key) => {
    const reason = plugin.unsupportedKey?.(key) ?? null
    return reason === null ? [] : [{ key, message: reason }]
  })
  return { parsed, problems: [...problems, ...unsupported] }
}

/** Validates a config as the worker does: `check` only if each key is valid. */
export async function problemsOf(
  run: CaseRun,
  plugin: ConnectorPlugin,
  raw: RawConfig,
  signal: AbortSignal = new AbortController().signal,
): Promise<readonly ConfigProblem[]> {
  const { parsed, problems } = await ownProblems(run, plugin, raw)
  if (problems.length > 0 || plugin.check === undefined) return problems
  return await checkedBy(run, plugin, { config: parsed, raw }, signal)
}

async function checkedBy(
  run: CaseRun,
  plugin: ConnectorPlugin,
  { config, raw }: { readonly config: ParsedConfig; readonly raw: RawConfig },
  signal: AbortSignal,
): Promise<readonly ConfigProblem[]> {
  const problems: unknown = await run.call('check(config)', rules.check, () =>
    plugin.check?.(frozen(config), frozen({ ...raw }), signal),
  )
  if (!Array.isArray(problems)) throw run.broken(rules.check, 'check did not return an array of problems.')
  for (const problem of problems as readonly ConfigProblem[]) {
    if (
      typeof problem.key !== 'string' ||
      problem.key === '' ||
      typeof problem.message !== 'string' ||
      problem.message === ''
    )
      throw run.broken(rules.problem, 'check returned a problem without the key or without a message.')
  }
  return problems as readonly ConfigProblem[]
}

/** Returns the config with some keys replaced, or removed by null. */
export function changed(raw: RawConfig, change: Readonly<Record<string, string | null>>): RawConfig {
  const entries = Object.entries({ ...raw, ...change })
  return Object.fromEntries(entries.flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
}
