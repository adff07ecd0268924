import { ConfigError, errorMessage, parseProperties, type ConfigProviderPlugin } from 'penstock/api'

import { AllowedPaths, allowedPathsDef } from './allowed-paths.ts'
import { defaultTtlMs, ttlDef } from './ttl-setting.ts'

/** `org.apache.kafka.common.config.provider.FileConfigProvider`: `${file:/path/of.properties:key}`, a property of a file. */
export const plugin: ConfigProviderPlugin = {
  kind: 'configprovider',
  className: 'org.apache.kafka.common.config.provider.FileConfigProvider',
  aliases: [],
  version: '3.9.1',
  configDef: { ...allowedPathsDef, ...ttlDef },
  create(config) {
    const allowed = new AllowedPaths(config)
    return {
      ttlMs: () => defaultTtlMs(config),
      async get(path, keys) {
        if (path === '') throw new ConfigError('the reference names no file')
        const properties = parsed(await allowed.read(path), path)
        return Object.fromEntries(
          keys.flatMap((key) => (Object.hasOwn(properties, key) ? [[key, properties[key] ?? '']] : [])),
        )
      },
    }
  },
}

function parsed(text: string, path: string): Readonly<Record<string, string>> {
  try {
    return parseProperties(text)
  } catch (error) {
    throw new ConfigError(`${path}: ${errorMessage(error)}`)
  }
}
