import type { ListenAddress } from '../foundation/network/listen-address.ts'
import type { LogLevel } from '../foundation/logging/log-levels.ts'
import type { Sample } from '../foundation/metrics/meters.ts'
import type { BrokerCredentials } from './server/authentication.ts'
import type { BrokerConfig } from './settings/broker-config.ts'
import type { CoordinatorConfig } from './coordinator/coordinator-config.ts'

/** The workerData of the broker's thread. */
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

/** A message to the thread. */
export interface ToBrokerThread {
  /** `samples` asks for the metrics. */
  readonly type: 'stop' | 'samples'
}

/** A message from the thread. The thread ends after `refused` and `stopped`. */
export type FromBrokerThread =
  | { readonly type: 'started'; readonly address: ListenAddress; readonly ownPath: string | null }
  /** The broker cannot start: name and message of the error. */
  | { readonly type: 'refused'; readonly name: string; readonly message: string }
  | { readonly type: 'stopped' }
  | { readonly type: 'samples'; readonly samples: readonly Sample[] }
  /** A condition of the broker began, or with a null message ended. */
  | { readonly type: 'condition'; readonly code: string; readonly message: string | null }
  | {
      readonly type: 'log'
      readonly level: LogLevel
      readonly name: string
      readonly message: string
      readonly fields: Record<string, unknown> | undefined
    }
