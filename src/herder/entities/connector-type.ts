/** What a connector is; unknown when its class cannot be found. */
export type ConnectorType = 'source' | 'sink' | 'unknown'
