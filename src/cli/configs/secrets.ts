import { hasReference, replaceLiterals } from '../../config/providers/provider-reference.ts'
import { systemClock } from '../../foundation/clock.ts'
import { PasswordKeys } from '../../rest/masking/password-keys.ts'
import type { ConnectApi } from '../rest-client/connect-api.ts'
import type { Config } from '../rest-client/entities.ts'

/** What stands for a secret on the screen; a worker with `rest.mask.passwords` writes the same. */
export const mask = '********'

/** Returns the value of an option as the screen may show it. */
export type Shown = (key: string, value: string) => string

/** How the options of a config are shown: its secrets masked, by the definitions of the plugins that it uses. */
export async function shownBy(api: ConnectApi, config: Config): Promise<Shown> {
  const keys = new PasswordKeys({ pluginConfig: async (name) => await api.pluginConfig(name) }, systemClock)
  const isPassword = await keys.of(config)
  return (key, value) => {
    if (!isPassword(key)) return value
    return hasReference(value) ? replaceLiterals(value, mask) : mask
  }
}

/** The config as the screen may show it. */
export function shownConfig(config: Config, shown: Shown): Config {
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, shown(key, value)]))
}
