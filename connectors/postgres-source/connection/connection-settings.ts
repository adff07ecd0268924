export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** The address of the database and the options of a connection. Files are PEM. */
export interface ConnectionSettings {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string | null
  readonly database: string
  readonly sslMode: SslMode
  readonly sslRootCert: string | null
  readonly sslCert: string | null
  readonly sslKey: string | null
  readonly sslPassword: string | null
  readonly tcpKeepAlive: boolean
  readonly connectTimeoutMs: number
  /** Timeout of a query; 0 for none. */
  readonly queryTimeoutMs: number
}
