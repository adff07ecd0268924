import { ConfigError, javaRegex, javaRegExp, nullOr, type ConfigDef, type ConfigProviderPlugin } from 'penstock/api'

const configDef = {
  'allowlist.pattern': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'Java regular expression that the whole name of an environment variable must match. If it is not set, all do.',
    validator: nullOr(javaRegex),
  },
} as const satisfies ConfigDef

/** `org.apache.kafka.common.config.provider.EnvVarConfigProvider`: `${env:NAME}`, an environment variable of the worker. */
export const plugin: ConfigProviderPlugin = {
  kind: 'configprovider',
  className: 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
  aliases: [],
  version: '3.9.1',
  configDef,
  create(config) {
    const pattern = config['allowlist.pattern'] ?? null
    const allowed = pattern === null ? null : javaRegExp(String(pattern), { whole: true })
    return {
      async get(path, keys) {
        if (path !== '') throw new ConfigError(`environment variables have no path, but the reference has ${path}`)
        const refused = keys.find((key) => allowed !== null && !allowed.test(key))
        if (refused !== undefined) throw new ConfigError(`${refused} does not match allowlist.pattern`)
        return Object.fromEntries(
          keys.flatMap((key) => {
            const value = Object.hasOwn(process.env, key) ? process.env[key] : undefined
            return value === undefined ? [] : [[key, value]]
          }),
        )
      },
    }
  },
}
