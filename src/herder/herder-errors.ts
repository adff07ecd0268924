import type { ConfigInfos } from '../config/definition/config-infos.ts'

import { ConnectError } from '../api/errors.ts'

/** The request itself is wrong (400). */
export class BadRequestError extends ConnectError {}

/** A connector config does not pass validation (400). The message lists every error, as Connect words it. */
export class InvalidConnectorConfigError extends BadRequestError {
  readonly infos: ConfigInfos

  constructor(infos: ConfigInfos) {
    const errors = infos.configs.flatMap((config) => config.value.errors)
    super(
      [
        `Connector configuration is invalid and contains the following ${infos.errorCount} error(s):`,
        ...errors,
        'You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
      ].join('\n'),
    )
    this.infos = infos
  }
}

/** The worker's configuration has disabled the request (403). */
export class ForbiddenError extends ConnectError {}

/**
 * The worker is about to apply a new configuration or assignment. Writes respond with 409 and may be retried; reads
 * respond with 500 and exactly this text, which clients match.
 */
export class RebalanceNeededError extends ConnectError {
  constructor() {
    super('Request cannot be completed because a rebalance is expected')
  }
}

/** Only the leader can do this. `leaderUrl` is null while no leader is known. */
export class NotLeaderError extends ConnectError {
  readonly leaderUrl: string | null

  constructor(message: string, leaderUrl: string | null) {
    super(message)
    this.leaderUrl = leaderUrl
  }
}

/** Only the worker that runs the connector or task can do this. `ownerUrl` is null while none is known. */
export class NotAssignedError extends ConnectError {
  readonly ownerUrl: string | null

  constructor(message: string, ownerUrl: string | null) {
    super(message)
    this.ownerUrl = ownerUrl
  }
}

/** The worker is starting, and cannot serve the request yet (503). */
export class WorkerStartingError extends ConnectError {}

/** The connector was to start, and a later change came first: it is to stop, or to start with another config (409). */
export class SupersededError extends ConnectError {
  constructor(connector: string) {
    super(`connector ${connector} was stopped, or started with another config, before it had started`)
  }
}

/** The worker is shutting down and rejects requests (500). */
export class WorkerStoppingError extends ConnectError {
  constructor() {
    super('Worker is shutting down')
  }
}
