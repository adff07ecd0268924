import type { SecretRefresh } from '../config/providers/secret-watch.ts'

/** Receives events of connector instances; the herder implements it. */
export interface ConnectorListener {
  /** The connector asks for new task configs. */
  onReconfigure(connector: string): void
  /** The connector reported an error, or could not be started again after its thread had ended. */
  onConnectorFailed(connector: string, trace: string): void
  /** Secrets of the connector were read again. If one has changed, the connector has to restart with it. */
  onConnectorSecrets(connector: string, refresh: SecretRefresh): void
  /** A thread died, and the instances of these connectors with it. */
  onConnectorsLost(connectors: readonly string[], reason: Error): void
}
