import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logger.ts'
import type { BrokerConfig } from './broker-config.ts'
import type { Topics } from './topics.ts'

/** The address that clients are told. */
export interface AdvertisedNode {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** What handlers share. */
export interface BrokerState {
  readonly config: BrokerConfig
  readonly topics: Topics
  readonly clock: Clock
  readonly logger: Logger
  /** Known once the listener is open, which is before the first request. */
  readonly node: () => AdvertisedNode
}
