import { ConfigError, type ConfigProviderPlugin } from 'penstock/api'

import type { PluginDescriptor } from '../../../src/plugin/plugin-descriptor.ts'

/** The calls of all instances, in order. */
export const recordedCalls: string[] = []

/** The value of a key is `<path>-<key>`; some paths behave badly. */
export const plugin: ConfigProviderPlugin = {
  kind: 'configprovider',
  className: 'test.RecordingConfigProvider',
  aliases: [],
  version: '1',
  configDef: {},
  create() {
    recordedCalls.push('create')
    return {
      async get(path, keys, signal) {
        recordedCalls.push(`get ${path} ${keys.join(',')}`)
        if (path === '/fails') throw new ConfigError('the vault is sealed')
        if (path === '/number') return JSON.parse('{"k":1}')
        if (path === '/null') return JSON.parse('null')
        if (path === '/hangs')
          return await new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              recordedCalls.push('aborted')
              reject(signal.reason)
            })
          })
        return Object.fromEntries(keys.filter((key) => key !== 'constructor').map((key) => [key, `${path}-${key}`]))
      },
      ttlMs: (path) => ({ '/ttl': 60_000, '/wrong-ttl': JSON.parse('"1m"') })[path] ?? null,
      // As in a plugin in JavaScript, which returns no promise.
      close() {
        recordedCalls.push('close')
        return JSON.parse('null')
      },
    }
  },
}

export const testProvider: PluginDescriptor = {
  kind: 'configprovider',
  className: plugin.className,
  aliases: [],
  version: '1',
  module: import.meta.url,
  exportName: 'plugin',
  location: '/plugins/recording',
}
