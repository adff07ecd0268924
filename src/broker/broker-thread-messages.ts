import type { ListenAddress } from '../foundation/network/listen-address.ts'
import type { LogLevel } from '../foundation/logging/log-levels.ts'
import type { Sample } from '../foundation/metrics/meters.ts'
import type { BrokerCredentials } from './server/authentication.ts'
import type { BrokerConfig } from './settings/broker-config.ts'
import type { CoordinatorConfig } from './coordinator/coordinator-config.ts'

/** What the broker's thread is born with. */
export interface BrokerThreadData {
  readonly dataDir: string
  readonly listen: ListenAddress
  readonly advertisedHost?: string
  readonly ownSocket?: boolean
  readonly config?: Partial<BrokerConfig>
  readonly coordinators?: Partial<CoordinatorConfig>
  readonly credentials?: BrokerCredentials
  /** Names the logger; lines of the thread carry it. */
  readonly loggerName: string
}

/** What the thread is told. */
export interface ToBrokerThread {
  /** `samples`: to say what it measures. */
  readonly type: 'stop' | 'samples'
}

/** What the thread says. It ends after `refused` and `stopped`. */
export type FromBrokerThread =
  | { readonly type: 'started'; readonly address: ListenAddress; readonly ownPath: string | null }
  /** It cannot start: by the name and message of the error. */
  | { readonly type: 'refused'; readonly name: string; readonly message: string }
  | { readonly type: 'stopped' }
  | { readonly type: 'samples'; readonly samples: readonly Sample[] }
  /** A condition of the broker stands, or with null is over. */
  | { readonly type: 'condition'; readonly code: string; readonly message: string | null }
  | {
      readonly type: 'log'
      readonly level: LogLevel
      readonly name: string
      readonly message: string
      readonly fields: Record<string, unknown> | undefined
    }
