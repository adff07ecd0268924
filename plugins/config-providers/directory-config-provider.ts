import { join } from 'node:path'

import { ConfigError, type ConfigProviderPlugin } from 'penstock/api'

import { AllowedPaths, allowedPathsDef } from './allowed-paths.ts'
import { defaultTtlMs, ttlDef } from './ttl-setting.ts'

/**
 * `org.apache.kafka.common.config.provider.DirectoryConfigProvider`: `${directory:/path:name}`, the text of the file `name`
 * in the directory, such as a secret that Kubernetes mounts.
 */
export const plugin: ConfigProviderPlugin = {
  kind: 'configprovider',
  className: 'org.apache.kafka.common.config.provider.DirectoryConfigProvider',
  aliases: [],
  version: '3.9.1',
  configDef: { ...allowedPathsDef, ...ttlDef },
  create(config) {
    const allowed = new AllowedPaths(config)
    return {
      ttlMs: () => defaultTtlMs(config),
      async get(path, keys) {
        if (path === '') throw new ConfigError('the reference names no directory')
        const values: [string, string][] = []
        for (const key of keys) {
          if (key === '' || key === '.' || key === '..' || /[/\\\0]/.test(key)) {
            throw new ConfigError(`${JSON.stringify(key)} is not the name of a file in ${path}`)
          }
          const file = join(path, key)
          values.push([key, await allowed.read(file)])
        }
        return Object.fromEntries(values)
      },
    }
  },
}
