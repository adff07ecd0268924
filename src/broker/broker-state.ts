import type { Clock } from '../foundation/clock.ts'
import type { LogStreaks } from '../foundation/logging/log-streaks.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { BrokerConfig } from './settings/broker-config.ts'
import type { CoordinatorConfig } from './coordinator/coordinator-config.ts'
import type { Topics } from './topics/topics.ts'

/** The address that clients are told. */
export interface AdvertisedNode {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** What handlers share. */
export interface BrokerState {
  readonly config: BrokerConfig
  readonly coordinators: CoordinatorConfig
  readonly topics: Topics
  readonly clock: Clock
  readonly logger: Logger
  /** For what clients cause. */
  readonly streaks: LogStreaks
  /** Known once the listener is open, which is before the first request. */
  readonly node: () => AdvertisedNode
}
