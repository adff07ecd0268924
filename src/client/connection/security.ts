/** TLS of a connection. Certificates and keys are PEM text. */
export interface TlsOptions {
  readonly ca?: string | readonly string[]
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  /** Whether the broker's certificate has to match its name (`ssl.endpoint.identification.algorithm`). */
  readonly verifyHost?: boolean
}

/** Who the client is. OAUTHBEARER calls `token` for each connection. */
export type SaslOptions =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: string
    }
  | { readonly mechanism: 'OAUTHBEARER'; readonly token: () => Promise<string> }

/** What protects a connection; both null is `PLAINTEXT`. */
export interface Security {
  readonly tls: TlsOptions | null
  readonly sasl: SaslOptions | null
}
