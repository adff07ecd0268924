import {
  ConfigError,
  oneOfIgnoringCase,
  type ConfigDef,
  type ConfigProviderPlugin,
  type ParsedConfig,
} from 'penstock/api'

import type { AwsSettings } from './aws/secrets-manager.ts'
import { secretPath } from './secret-path.ts'
import { defaultTtlMs, ttlDef } from './ttl-setting.ts'

const noFiles = 'secrets are not written to disk'

/** The settings of Lenses' provider. */
const configDef = {
  'aws.region': { type: 'STRING', importance: 'HIGH', doc: 'Region of the secrets, such as eu-central-1.' },
  'aws.auth.method': {
    type: 'STRING',
    defaultValue: 'credentials',
    importance: 'HIGH',
    doc: 'credentials: the keys in aws.access.key and aws.secret.key. default: the default chain of the AWS SDK, which is the environment, a profile, a container or an instance.',
    validator: oneOfIgnoringCase('credentials', 'default'),
  },
  'aws.access.key': { type: 'STRING', defaultValue: '', importance: 'HIGH', doc: 'ID of the access key.' },
  'aws.secret.key': { type: 'PASSWORD', defaultValue: '', importance: 'HIGH', doc: 'Secret access key.' },
  'aws.endpoint.override': {
    type: 'STRING',
    defaultValue: '',
    importance: 'LOW',
    doc: 'URL of the service, such as a VPC endpoint. Empty: that of the region.',
    validator: (_key, value) =>
      value === '' || /^https?:\/\/[^/@\s]+/.test(String(value)) ? null : 'it is not a URL such as https://host:port',
  },
  'secret.type': {
    type: 'STRING',
    defaultValue: '',
    importance: 'LOW',
    doc: 'json, or empty: the key of a reference selects a field.',
    validator: oneOfIgnoringCase('', 'json'),
    unsupportedValues: { string: 'an empty key stands for the whole text of a secret, as in ${aws:name:}' },
  },
  ...ttlDef,
  'file.write': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'LOW',
    doc: 'Not supported.',
    unsupported: noFiles,
  },
  'file.dir': { type: 'STRING', defaultValue: '', importance: 'LOW', doc: 'Not supported.', unsupported: noFiles },
} as const satisfies ConfigDef

/**
 * `io.lenses.connect.secrets.providers.AWSSecretProvider`: `${aws:name:field}`, a field of a secret in AWS Secrets Manager whose
 * text is a JSON object, or its whole text with an empty field. `?version=` after the name is an id or a staging label.
 */
export const plugin: ConfigProviderPlugin = {
  kind: 'configprovider',
  className: 'io.lenses.connect.secrets.providers.AWSSecretProvider',
  aliases: [],
  version: '0.1.0',
  configDef,
  create(config) {
    const settings = settingsOf(config)
    return {
      async get(path, keys, signal) {
        // A reference cannot have an ARN as its path, because the path ends at the first colon.
        if (path === 'arn')
          throw new ConfigError('the reference has an ARN, whose colons it cannot have: write the name')
        // Loaded at the first use: the SDK costs more than all other providers together.
        const { readSecret } = await import('./aws/secrets-manager.ts')
        return await readSecret(settings, secretPath(path), { keys, signal })
      },
      ttlMs: (path) => secretPath(path).ttlMs ?? defaultTtlMs(config),
    }
  },
}

function settingsOf(config: ParsedConfig): AwsSettings {
  const text = (key: string): string => String(config[key] ?? '')
  const [accessKeyId, secretAccessKey] = [text('aws.access.key'), text('aws.secret.key')]
  const usesChain = text('aws.auth.method').toLowerCase() === 'default'
  if (text('aws.region') === '') throw new ConfigError('aws.region must be set')
  if (!usesChain && (accessKeyId === '' || secretAccessKey === '')) {
    throw new ConfigError('set aws.access.key and aws.secret.key, or aws.auth.method to "default"')
  }
  return {
    region: text('aws.region'),
    endpoint: text('aws.endpoint.override'),
    credentials: usesChain ? null : { accessKeyId, secretAccessKey },
  }
}
