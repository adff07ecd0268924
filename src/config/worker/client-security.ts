import { readFileSync } from 'node:fs'

import type { RawConfig } from '../../api/config-def.ts'

import { ConfigError } from '../../api/errors.ts'

/** Encryption and authentication of connections to Kafka; PLAINTEXT if both are null. Certificates and keys are PEM text. */
export interface ClientSecurity {
  readonly tls: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly passphrase?: string
    readonly verifyHost?: boolean
  } | null
  readonly sasl: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    readonly username: string
    readonly password: string
  } | null
}

/**
 * Parses `security.protocol`, `ssl.*` and `sasl.*` of Kafka's clients.
 * @throws ConfigError for keystores in Java's formats, unreadable files, and login modules that need Java
 */
export function clientSecurity(raw: RawConfig): ClientSecurity {
  const protocol = raw['security.protocol']?.trim() ?? 'PLAINTEXT'
  return {
    tls: protocol.endsWith('SSL') ? tlsOptions(raw) : null,
    sasl: protocol.startsWith('SASL_') ? saslOptions(raw) : null,
  }
}

function tlsOptions(raw: RawConfig): ClientSecurity['tls'] {
  refuseJavaStore(raw, 'ssl.truststore')
  refuseJavaStore(raw, 'ssl.keystore')
  const keystore = pemOf(raw, 'ssl.keystore.location')
  const ca = raw['ssl.truststore.certificates'] ?? pemOf(raw, 'ssl.truststore.location')
  const cert = raw['ssl.keystore.certificate.chain'] ?? keystore
  const key = raw['ssl.keystore.key'] ?? keystore
  const passphrase = raw['ssl.key.password']
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(raw['ssl.endpoint.identification.algorithm']?.trim() === '' ? { verifyHost: false } : {}),
  }
}

function refuseJavaStore(raw: RawConfig, store: 'ssl.truststore' | 'ssl.keystore'): void {
  const type = raw[`${store}.type`]?.trim().toUpperCase() ?? 'JKS'
  const used = raw[`${store}.location`] !== undefined || raw[`${store}.type`] !== undefined
  if (!used || type === 'PEM') return
  throw new ConfigError(
    `"${store}" is a ${type} store, which only Java can read. Convert it to PEM (keytool -importkeystore to PKCS12, then openssl pkcs12) and set ${store}.type=PEM.`,
    { code: 'JAVA_KEYSTORE' },
  )
}

function pemOf(raw: RawConfig, key: string): string | undefined {
  const file = raw[key]?.trim()
  if (file === undefined || file === '') return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(`The file of "${key}" cannot be read: ${file}`, { cause })
  }
}

function saslOptions(raw: RawConfig): ClientSecurity['sasl'] {
  const mechanism = raw['sasl.mechanism']?.trim() ?? 'GSSAPI'
  if (mechanism !== 'PLAIN' && mechanism !== 'SCRAM-SHA-256' && mechanism !== 'SCRAM-SHA-512') {
    throw new ConfigError(
      `Invalid value ${mechanism} for configuration sasl.mechanism: Not supported: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512`,
    )
  }
  const jaas = raw['sasl.jaas.config'] ?? ''
  const username = jaasOption(jaas, 'username')
  const password = jaasOption(jaas, 'password')
  if (username === null || password === null) {
    throw new ConfigError(
      'sasl.jaas.config needs username and password: org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";',
    )
  }
  return { mechanism, username, password }
}

function jaasOption(jaas: string, name: string): string | null {
  const match = new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]+))`).exec(jaas)
  return match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2] ?? null
}
