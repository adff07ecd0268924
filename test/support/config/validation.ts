import { expect } from 'vitest'

import { validateConnector, type ConnectorValidation } from '../../../src/config/connector/validate-connector.ts'
import type { SubmittedConfig } from '../../../src/config/definition/config-infos.ts'
import { ConfigProviders } from '../../../src/config/providers/config-providers.ts'
import type { ProviderSettings } from '../../../src/config/providers/provider-settings.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import { PluginRegistry } from '../../../src/plugin/plugin-registry.ts'

export const fileSinkConfig = { 'connector.class': 'FileStreamSink', name: 'v', topics: 'a' }

/** The config of a Postgres source whose server does not exist. */
export const postgresConfig = {
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  name: 'v',
  'database.hostname': '127.0.0.1',
  'database.port': '1',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 't',
}

export interface TestValidation {
  readonly validate: (config: SubmittedConfig) => Promise<ConnectorValidation>
  /** The errors with their keys, in order. The validation counts as many. */
  readonly errorsOf: (config: SubmittedConfig) => Promise<readonly (readonly [key: string, error: string])[]>
}

/** The validation of configs by a worker of that group, which has these config providers. */
export function validationBy(
  groupId: string,
  settings: readonly ProviderSettings[] = [],
  registry: { readonly registryUrl?: string } = {},
): TestValidation {
  const plugins = new PluginRegistry(fileConnectors)
  const providers = new ConfigProviders({ settings, plugins, clock: systemClock })

  async function validate(config: SubmittedConfig): Promise<ConnectorValidation> {
    const signal = AbortSignal.timeout(60_000)
    return await validateConnector(config, { plugins, providers, worker: { groupId, ...registry }, signal })
  }

  async function errorsOf(config: SubmittedConfig): Promise<readonly (readonly [string, string])[]> {
    const { infos } = await validate(config)
    const errors = infos.configs.flatMap(({ value }) => value.errors.map((error) => [value.name, error] as const))
    expect(infos.errorCount).toBe(errors.length)
    return errors
  }

  return { validate, errorsOf }
}
