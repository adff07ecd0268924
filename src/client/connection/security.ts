/** TLS of a connection. Certificates and keys are PEM text. */
export interface TlsOptions {
  readonly ca?: string | readonly string[]
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  /** Whether the broker's certificate must match its host name (`ssl.endpoint.identification.algorithm`). */
  readonly verifyHost?: boolean
}

/** The client's credentials. OAUTHBEARER calls `token` for each connection. */
export type SaslOptions =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: string
    }
  | { readonly mechanism: 'OAUTHBEARER'; readonly token: () => Promise<string> }

/** Encryption and authentication of a connection; `PLAINTEXT` if both are null. */
export interface Security {
  readonly tls: TlsOptions | null
  readonly sasl: SaslOptions | null
}
