import type { Clock } from '../foundation/clock.ts'
import type { LogStreaks } from '../foundation/logging/log-streaks.ts'
import type { BrokerConfig } from './settings/broker-config.ts'
import type { CoordinatorConfig } from './coordinator/coordinator-config.ts'
import type { GroupCoordinator } from './coordinator/groups/group-coordinator.ts'
import type { ProducerIds } from './coordinator/producer-ids.ts'
import type { Handler } from './requests/handler.ts'
import type { Topics } from './topics/topics.ts'

/** The address that clients connect to. */
export interface AdvertisedNode {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** The parts of the broker that handlers use. */
export interface BrokerState {
  readonly config: BrokerConfig
  readonly coordinators: CoordinatorConfig
  readonly topics: Topics
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly clock: Clock
  /** For log lines that clients cause. */
  readonly streaks: LogStreaks
  /** The address that clients connect to. Known once the listener is open, which is before the first request. */
  readonly node: () => AdvertisedNode
  /** Whether clients have to authenticate. */
  readonly authenticates: boolean
  /** All handlers of this broker, known before the first request. */
  readonly handlers: () => readonly Handler[]
}
