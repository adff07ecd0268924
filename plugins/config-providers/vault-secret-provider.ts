import type { ConfigProviderPlugin } from 'penstock/api'

import { secretPath } from './secret-path.ts'
import { defaultTtlMs } from './ttl-setting.ts'
import { vaultConfigDef } from './vault/vault-config-def.ts'
import { VaultSession } from './vault/vault-session.ts'
import { vaultSettings } from './vault/vault-settings.ts'

/**
 * `io.lenses.connect.secrets.providers.VaultSecretProvider`: `${vault:mount/path:field}`, a field of a secret in a KV engine of
 * HashiCorp Vault or OpenBao, version 1 or 2. `?version=` after the path selects an earlier version.
 */
export const plugin: ConfigProviderPlugin = {
  kind: 'configprovider',
  className: 'io.lenses.connect.secrets.providers.VaultSecretProvider',
  aliases: [],
  version: '0.1.0',
  configDef: vaultConfigDef,
  create(config) {
    const session = new VaultSession(vaultSettings(config))
    return {
      get: async (path, keys, signal) => await session.read(path, keys, signal),
      ttlMs: (path) => secretPath(path).ttlMs ?? shortest(session.leaseMs(path), defaultTtlMs(config)),
      close: async () => await session.close(),
    }
  },
}

function shortest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b)
}
