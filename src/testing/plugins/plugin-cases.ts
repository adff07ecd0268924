import type { RawConfig } from '../../api/config-def.ts'
import type { PluginHead } from '../../api/converter.ts'
import { checkConfig } from '../../config/definition/parse-config.ts'
import { describesItsOptions } from '../connector/config-cases.ts'
import { changed } from '../connector/given-config.ts'
import { caseMaker, type ContractCase, type SuiteOptions } from '../contract/contract-case.ts'
import { rules } from '../contract/rules.ts'
import { wrongValues } from '../connector/wrong-values.ts'

/** What the suites of all plugins but connectors take. */
export interface PluginOptions<P extends PluginHead> extends SuiteOptions {
  readonly plugin: P
  /** A valid config, with keys as the plugin sees them: without `transforms.name.` and the like. Default none. */
  readonly config?: RawConfig | undefined
}

/** Returns the cases of a plugin's options. */
export function optionCases(options: PluginOptions<PluginHead>): readonly ContractCase[] {
  const { plugin, config = {} } = options
  const make = caseMaker(plugin.className, options)
  return [
    make('describes its options', async (run) => await describesItsOptions(run, plugin.configDef)),
    make('names each option with a wrong value', async (run) => {
      for (const [key, definition] of Object.entries(plugin.configDef)) {
        const values = [...(definition.defaultValue === undefined ? [null] : []), ...wrongValues(definition, key)]
        for (const value of values) {
          const { problems } = checkConfig(plugin.configDef, changed(config, { [key]: value }))
          if (problems.length === 1 || problems.some((problem) => problem.key === key)) continue
          throw run.broken(rules.problem, `${key}=${String(value)} has no problem of that key.`)
        }
      }
    }),
  ]
}
