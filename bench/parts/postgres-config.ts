/** Returns the class and the connection of a Postgres connector's config. */
export function postgresConfig(text: string): Record<string, string> {
  const url = new URL(text)
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'database.hostname': url.hostname,
    'database.port': url.port === '' ? '5432' : url.port,
    'database.user': decodeURIComponent(url.username),
    'database.password': decodeURIComponent(url.password),
    'database.dbname': url.pathname.slice(1),
  }
}
