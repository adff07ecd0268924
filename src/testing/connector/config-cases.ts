import { ConfigError, ConnectError } from '../../api/errors.ts'
import type { ConfigDef } from '../../api/config-def.ts'
import { checkConfig } from '../../config/definition/parse-config.ts'
import { describeConfig } from '../../config/definition/describe-config.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { caseMaker, withFixture, type ContractCase } from '../contract/contract-case.ts'
import { ContractError } from '../contract/contract-error.ts'
import { rules } from '../contract/rules.ts'
import type { ConnectorFixture, ConnectorOptions, WrongConfig } from './connector-options.ts'
import { changed, ownProblems, problemsOf } from './given-config.ts'
import { oddValues, wrongValues } from './wrong-values.ts'

/** Returns the cases of a connector's options and their validation. */
export function configCases(options: ConnectorOptions): readonly ContractCase[] {
  const { plugin, prepare, wrong = [] } = options
  const make = caseMaker(plugin.className, options)
  return [
    make('describes its options', async (run) => await describesItsOptions(run, plugin.configDef)),
    make('names each option with a wrong value', async (run) => {
      await withFixture(run, prepare, async ({ config }) => await namesWrongValues(run, options, config))
    }),
    make('accepts its config', async (run) => {
      await withFixture(run, prepare, async ({ config }) => await acceptsConfig(run, options, config))
    }),
    ...wrong.map((each) =>
      make(`names ${each.names.join(' and ')} for ${each.what}`, async (run) => {
        await withFixture(
          run,
          prepare,
          async ({ config }) => await namesWrong(run, options, changed(config, each.change), each),
        )
      }),
    ),
  ]
}

/** Checks what a ConfigDef says of itself: for plugins of any kind. */
export async function describesItsOptions(run: CaseRun, configDef: ConfigDef): Promise<void> {
  for (const { name, documentation, importance, type } of describeConfig(configDef)) {
    if (typeof documentation !== 'string' || documentation.trim() === '')
      throw run.broken(rules.configKey, `the option ${name} has no "doc". REST shows it to users.`)
    if (!['HIGH', 'MEDIUM', 'LOW'].includes(importance))
      throw run.broken(
        rules.configKey,
        `the option ${name} has the importance ${importance}; write HIGH, MEDIUM or LOW.`,
      )
    const { validator } = configDef[name] ?? {}
    for (const value of validator === undefined ? [] : oddValues({ type, importance, doc: documentation })) {
      const problem: unknown = await run.call(
        `the validator of ${name} with ${JSON.stringify(value)}`,
        rules.validator,
        () => validator?.(name, value),
      )
      if (problem !== null && typeof problem !== 'string')
        throw run.broken(
          rules.validator,
          `the validator of ${name} returned ${String(problem)}, neither null nor a text.`,
        )
    }
  }
  const [fault] = checkConfig(optionalKeys(configDef), {}).problems
  if (fault === undefined) return
  const did = `the default value of ${fault.key} is refused: ${fault.message}`
  throw run.broken(rules.configKey, did)
}

function optionalKeys(configDef: ConfigDef): ConfigDef {
  return Object.fromEntries(Object.entries(configDef).filter(([, key]) => key.defaultValue !== undefined))
}

async function namesWrongValues(
  run: CaseRun,
  { plugin }: ConnectorOptions,
  config: ConnectorFixture['config'],
): Promise<void> {
  for (const [key, definition] of Object.entries(plugin.configDef)) {
    const isRequired = definition.defaultValue === undefined
    const values = definition.unsupported === undefined ? wrongValues(definition, key) : []
    for (const value of [...(isRequired ? [null] : []), ...values]) {
      const { problems } = await ownProblems(run, plugin, changed(config, { [key]: value }))
      const named = problems.map((problem) => problem.key)
      const what = value === null ? `a missing ${key}` : `${key}=${JSON.stringify(value)}`
      if (!named.includes(key))
        throw run.broken(rules.problem, `${what} has no problem of that key, but of: ${named.join(', ')}.`)
      const other = named.find((each) => each !== key)
      if (other !== undefined) throw run.broken(rules.problem, `${what} has a problem of ${other}, which is valid.`)
    }
  }
}

async function acceptsConfig(
  run: CaseRun,
  { plugin }: ConnectorOptions,
  config: ConnectorFixture['config'],
): Promise<void> {
  const [problem] = await problemsOf(run, plugin, config)
  if (problem !== undefined)
    throw run.broken(rules.check, `the config of the fixture has a problem of ${problem.key}: ${problem.message}`)
  // A client that has gone away: the outcome does not matter, but its end does.
  await problemsOf(run, plugin, config, AbortSignal.abort(new ConfigError('the request was aborted'))).catch(
    (error: unknown) => {
      if (error instanceof ContractError || !(error instanceof ConnectError)) throw error
    },
  )
}

async function namesWrong(
  run: CaseRun,
  { plugin }: ConnectorOptions,
  config: ConnectorFixture['config'],
  { what, names }: WrongConfig,
): Promise<void> {
  const named = (await problemsOf(run, plugin, config)).map(({ key }) => key)
  const missing = names.filter((key) => !named.includes(key))
  if (missing.length === 0) return
  const found = named.length === 0 ? 'no problem' : `problems of ${named.join(', ')} only`
  throw run.broken(rules.check, `validation of a config with ${what} has ${found}, and none of ${missing.join(', ')}.`)
}
