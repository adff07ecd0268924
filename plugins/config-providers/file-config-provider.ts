import { ConfigError, errorMessage, parseProperties, type ConfigDef, type ConfigProviderPlugin } from 'penstock/api'

import { AllowedPaths, allowedPathsKey } from './allowed-paths.ts'
import { readSecretFile } from './read-secret-file.ts'

const configDef = { 'allowed.paths': allowedPathsKey } as const satisfies ConfigDef

/** `org.apache.kafka.common.config.provider.FileConfigProvider`: `${file:/path/of.properties:key}`, a property of a file. */
export const plugin: ConfigProviderPlugin = {
  kind: 'configprovider',
  className: 'org.apache.kafka.common.config.provider.FileConfigProvider',
  aliases: [],
  version: '3.9.1',
  configDef,
  create(config) {
    const allowed = new AllowedPaths(config['allowed.paths'] ?? null)
    return {
      async get(path, keys) {
        if (path === '') throw new ConfigError('the reference names no file')
        const properties = parsed(await readSecretFile(await allowed.realPath(path), path), path)
        return Object.fromEntries(keys.flatMap((key) => (key in properties ? [[key, properties[key] ?? '']] : [])))
      },
    }
  },
}

/** Without inherited names such as `constructor`. */
function parsed(text: string, path: string): Readonly<Record<string, string>> {
  try {
    return Object.assign(Object.create(null) as Record<string, string>, parseProperties(text))
  } catch (error) {
    throw new ConfigError(`${path}: ${errorMessage(error)}`)
  }
}
