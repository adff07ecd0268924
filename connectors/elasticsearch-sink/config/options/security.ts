import { between, oneOfIgnoringCase, type ConfigDef, type Validator } from 'penstock/api'
import { Key } from '../key.ts'
import { key, unsupported } from './option.ts'

const security = 'Security'
const proxy = 'Proxy'
const javaStore =
  'Java key stores cannot be read. Export the certificate with keytool -exportcert -rfc, and set the type to PEM'
const pemNeedsNone = 'a file in PEM form has no password'
const openSsl =
  'the names of Java do not apply: TLS is that of OpenSSL. Remove it, or choose versions with elastic.https.ssl.enabled.protocols'
const kerberosReason =
  'Kerberos is not supported; use connection.username and connection.password, or connection.api.key'

const low = { importance: 'LOW', defaultValue: null } as const
const versions = ['TLSv1.2', 'TLSv1.3']
const tlsVersions: Validator = Object.assign(
  (_key: string, value: unknown): string | null => {
    const unknown = (Array.isArray(value) ? value : []).map(String).find((version) => !versions.includes(version))
    return unknown === undefined ? null : `'${unknown}' is not supported: the versions are ${versions.join(' and ')}`
  },
  { describe: `[${versions.join(', ')}]` },
)

/** TLS, proxies, Kerberos. */
export const securityOptions: ConfigDef = {
  [Key.securityProtocol]: key('STRING', security, 'SSL requires https addresses.', {
    importance: 'LOW',
    defaultValue: 'PLAINTEXT',
    validator: oneOfIgnoringCase('plaintext', 'ssl'),
  }),
  [Key.caText]: key(
    'STRING',
    security,
    'Certificate authority of https addresses, as PEM text. Without it, the authorities of the system are trusted.',
    low,
  ),
  [Key.caFile]: key('STRING', security, 'File with the certificate authority in PEM form.', low),
  [Key.caType]: key('STRING', security, 'Accepted with `PEM`, the only form.', {
    ...low,
    unsupportedValues: { JKS: javaStore, jks: javaStore, PKCS12: javaStore, pkcs12: javaStore },
  }),
  [Key.clientFile]: key(
    'STRING',
    security,
    'File with the private key of the sink and its certificates, which Elasticsearch or a proxy in front of it asks for.',
    low,
  ),
  [Key.clientType]: key('STRING', security, 'The form of this file: `PEM` or `PKCS12`.', {
    importance: 'LOW',
    defaultValue: 'PEM',
    validator: oneOfIgnoringCase('PEM', 'PKCS12', 'JKS'),
    unsupportedValues: { JKS: javaStore, jks: javaStore },
  }),
  [Key.clientStorePassword]: key('PASSWORD', security, 'Password of this file, with `PKCS12`.', low),
  [Key.clientChain]: key('STRING', security, 'The certificates of the sink, as PEM text in place of a file.', low),
  [Key.clientKey]: key('PASSWORD', security, 'The private key of the sink, as PEM text in place of a file.', low),
  [Key.clientKeyPassword]: key('PASSWORD', security, 'Password of the private key, in PEM form.', low),
  [Key.tlsVersions]: key('LIST', security, 'Versions of TLS that the sink uses.', {
    importance: 'LOW',
    defaultValue: versions,
    validator: tlsVersions,
  }),
  [Key.tlsProtocol]: key(
    'STRING',
    security,
    'The highest version of TLS that the sink uses; `TLS` is the highest there is.',
    {
      importance: 'LOW',
      defaultValue: 'TLSv1.3',
      validator: oneOfIgnoringCase('TLSv1.3', 'TLSv1.2', 'TLS'),
    },
  ),
  [Key.tlsHostCheck]: key(
    'STRING',
    security,
    'With `https`, the certificate must name the host of the address. An empty value turns this check off.',
    { importance: 'LOW', defaultValue: 'https', validator: oneOfIgnoringCase('https', '') },
  ),
  'elastic.https.ssl.truststore.password': unsupported('PASSWORD', security, 'TLS.', pemNeedsNone),
  'elastic.https.ssl.provider': unsupported('STRING', security, 'TLS.', openSsl),
  'elastic.https.ssl.cipher.suites': unsupported('LIST', security, 'TLS.', openSsl),
  'elastic.https.ssl.keymanager.algorithm': unsupported('STRING', security, 'TLS.', openSsl),
  'elastic.https.ssl.trustmanager.algorithm': unsupported('STRING', security, 'TLS.', openSsl),
  'elastic.https.ssl.secure.random.implementation': unsupported('STRING', security, 'TLS.', openSsl),
  [Key.proxyHost]: key(
    'STRING',
    proxy,
    'An HTTP proxy. It forwards requests to http addresses, and opens tunnels to https addresses.',
    { importance: 'LOW', defaultValue: '' },
  ),
  [Key.proxyPort]: key('INT', proxy, 'The port of the proxy.', {
    importance: 'LOW',
    defaultValue: 8080,
    validator: between(1, 65_535),
  }),
  [Key.proxyUsername]: key('STRING', proxy, 'User name for the proxy. Requires proxy.password.', {
    importance: 'LOW',
    defaultValue: '',
  }),
  [Key.proxyPassword]: key('PASSWORD', proxy, 'Password for the proxy.', low),
  'kerberos.user.principal': unsupported('STRING', 'Kerberos', 'Kerberos.', kerberosReason),
  'kerberos.keytab.path': unsupported('STRING', 'Kerberos', 'Kerberos.', kerberosReason),
}
