import { join } from 'node:path'

import { ConfigError, type ConfigDef, type ConfigProviderPlugin } from 'penstock/api'

import { AllowedPaths, allowedPathsKey } from './allowed-paths.ts'
import { readSecretFile } from './read-secret-file.ts'

const configDef = { 'allowed.paths': allowedPathsKey } as const satisfies ConfigDef

/**
 * `org.apache.kafka.common.config.provider.DirectoryConfigProvider`: `${directory:/path:name}`, the text of the file `name`
 * in the directory, such as a secret that Kubernetes mounts.
 */
export const plugin: ConfigProviderPlugin = {
  kind: 'configprovider',
  className: 'org.apache.kafka.common.config.provider.DirectoryConfigProvider',
  aliases: [],
  version: '3.9.1',
  configDef,
  create(config) {
    const allowed = new AllowedPaths(config['allowed.paths'] ?? null)
    return {
      async get(path, keys) {
        if (path === '') throw new ConfigError('the reference names no directory')
        const values: [string, string][] = []
        for (const key of keys) {
          if (key === '' || key === '.' || key === '..' || /[/\\\0]/.test(key)) {
            throw new ConfigError(`${JSON.stringify(key)} is not the name of a file in ${path}`)
          }
          const file = join(path, key)
          values.push([key, await readSecretFile(await allowed.realPath(file), file)])
        }
        return Object.fromEntries(values)
      },
    }
  },
}
