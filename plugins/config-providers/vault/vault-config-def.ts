import { between, nullOr, oneOfIgnoringCase, type ConfigDef, type ConfigKey } from 'penstock/api'

import { ttlDef } from '../ttl-setting.ts'

const text = (doc: string, defaultValue: string | null = null): ConfigKey => ({
  type: 'STRING',
  defaultValue,
  importance: 'HIGH',
  doc,
})
const secret = (doc: string): ConfigKey => ({ type: 'PASSWORD', defaultValue: null, importance: 'HIGH', doc })
const unsupported = (type: 'STRING' | 'PASSWORD' | 'INT' | 'BOOLEAN', reason: string): ConfigKey => ({
  type,
  defaultValue: type === 'BOOLEAN' ? false : null,
  importance: 'LOW',
  doc: 'Not supported.',
  unsupported: reason,
})
const noStores = 'Java key stores are not read; vault.pem is a file with the certificates of authorities in PEM'
const noFiles = 'secrets are not written to disk'

/** The settings of Lenses' provider, and those for files with credentials and for mounts. */
export const vaultConfigDef = {
  'vault.addr': {
    ...text('URL of the Vault server.', 'http://localhost:8200'),
    validator: (_key, value) => addressProblem(String(value)),
  },
  'vault.namespace': text('Namespace of Vault Enterprise. Empty: none.', ''),
  'vault.engine.version': {
    type: 'INT',
    defaultValue: null,
    importance: 'MEDIUM',
    doc: 'Version of the KV secrets engine that the mounts of references must have, 1 or 2. If it is not set, both are read.',
    validator: nullOr(between(1, 2)),
  },
  'vault.pem': text(
    "PEM file with the certificates of the authorities that may have signed Vault's certificate. Empty: those of Node.js.",
    '',
  ),
  'vault.auth.method': {
    ...text('How the worker proves its identity: token, approle, kubernetes, userpass or jwt.', 'token'),
    validator: oneOfIgnoringCase('token', 'approle', 'kubernetes', 'userpass', 'jwt'),
    unsupportedValues: Object.fromEntries(
      ['awsiam', 'cert', 'gcp', 'github', 'ldap'].map((method) => [
        method,
        'use token, approle, kubernetes, userpass or jwt, or Vault Agent with vault.token.file',
      ]),
    ),
  },
  'vault.token': secret('Token of the method token.'),
  'vault.token.file': text(
    'File with the token of the method token, read at each use, such as the sink of Vault Agent.',
  ),
  'app.role.path': text('Mount of the method approle.', 'approle'),
  'app.role.id': text('Role ID of the method approle.'),
  'app.role.secret.id': secret('Secret ID of the method approle.'),
  'app.role.secret.id.file': text('File with the secret ID of the method approle, read at each use.'),
  'kubernetes.mount': text('Mount of the method kubernetes.', 'kubernetes'),
  'kubernetes.role': text('Role of the method kubernetes.'),
  'kubernetes.token.path': text(
    'File with the token of the service account for the method kubernetes.',
    '/var/run/secrets/kubernetes.io/serviceaccount/token',
  ),
  mount: text('Mount of the method userpass.', 'userpass'),
  username: text('User of the method userpass.'),
  password: secret('Password of the method userpass.'),
  'jwt.provider': text('Mount of the method jwt.', 'jwt'),
  'jwt.role': text('Role of the method jwt.'),
  jwt: secret('JSON web token of the method jwt.'),
  ...ttlDef,
  'vault.client.pem': unsupported('STRING', 'the worker has no client certificate for Vault'),
  'vault.ssl.truststore.location': unsupported('STRING', noStores),
  'vault.ssl.keystore.location': unsupported('STRING', noStores),
  'vault.ssl.keystore.password': unsupported('PASSWORD', noStores),
  'token.renewal.ms': unsupported(
    'INT',
    'the worker logs in at each resolution, and does not renew the token of the method token: let Vault Agent renew it, with vault.token.file',
  ),
  'file.write': unsupported('BOOLEAN', noFiles),
  'file.dir': unsupported('STRING', noFiles),
} as const satisfies ConfigDef

function addressProblem(address: string): string | null {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || !/^https?:$/.test(url.protocol)) return 'it is not a URL such as https://vault.example.com:8200'
  if (url.username !== '' || url.password !== '') return 'a URL with credentials is not accepted; see vault.auth.method'
  return url.search === '' && url.hash === '' ? null : 'it has a query or a fragment'
}
