import type { RawConfig } from '../../api/config-def.ts'

import { ConfigError } from '../../api/errors.ts'
import { ownCertificate, trustedAuthorities, type Certificates } from './ssl-settings.ts'

/** Encryption and authentication of connections to Kafka; PLAINTEXT if both are null. */
export interface ClientSecurity {
  readonly tls: (Certificates & { readonly verifyHost?: boolean }) | null
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
  const settings = { values: raw, prefix: '' }
  return {
    ...trustedAuthorities(settings),
    ...ownCertificate(settings),
    ...(raw['ssl.endpoint.identification.algorithm']?.trim() === '' ? { verifyHost: false } : {}),
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
