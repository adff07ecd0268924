import type { SecretRefresh } from '../config/providers/secret-watch.ts'

/** Why a connector failed. */
export interface ConnectorFailure {
  readonly trace: string
  /** Whether the reason may pass, so that a restart may help. */
  readonly isTransient: boolean
}

/** Receives events of connector instances; the herder implements it. */
export interface ConnectorListener {
  /** The connector asks for new task configs. */
  onReconfigure(connector: string): void
  /** The connector reported an error, or could not be started again after its thread had ended. */
  onConnectorFailed(connector: string, failure: ConnectorFailure): void
  /** Secrets of the connector were read again. If one has changed, the connector has to restart with it. */
  onConnectorSecrets(connector: string, refresh: SecretRefresh): void
  /** A thread died, and the instances of these connectors with it. */
  onConnectorsLost(connectors: readonly string[], reason: Error): void
}
