import type { GroupProtocolName } from '../../../src/herder/group/group-protocol.ts'
import type { NetworkDelays } from './network.ts'
import type { Random } from './random.ts'

export const faultKinds = [
  'freeze process',
  'freeze main thread',
  'freeze task threads',
  'kill worker',
  'stop worker',
  'kill broker',
  'freeze broker',
  'cut from broker',
  'cut between workers',
  'reset connections',
  'slow network',
  'kill task thread',
] as const

export type FaultKind = (typeof faultKinds)[number]

/** What differs between runs. Times in milliseconds. */
export interface Settings {
  readonly workers: number
  readonly connectors: readonly string[]
  /** The most tasks of a connector. */
  readonly maxTasks: number
  readonly protocol: GroupProtocolName
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  /** `scheduled.rebalance.max.delay.ms` */
  readonly maxDelayMs: number
  /** `task.shutdown.graceful.timeout.ms` */
  readonly gracefulMs: number
  /** How long faults happen, and users change the configuration. */
  readonly faultsMs: number
  /** The average time from one fault to the next. */
  readonly faultEveryMs: number
  /** The faults of this run: many runs have few kinds, as each kind hides others. */
  readonly faults: readonly FaultKind[]
  readonly delays: NetworkDelays
  /** The share of syncs of the disk that are slow. */
  readonly slowSyncShare: number
  /** The share of calls of connector plugins that fail. */
  readonly pluginFailureShare: number
}

export function drawSettings(random: Random): Settings {
  const sessionTimeoutMs = random.pick([3000, 6000, 10_000])
  const faults = faultKinds.filter(() => random.chance(0.35))
  return {
    workers: random.integer(2, 4),
    connectors: ['red', 'green', 'blue'].slice(0, random.integer(1, 3)),
    maxTasks: random.integer(1, 4),
    protocol: random.pick(['sessioned', 'sessioned', 'compatible', 'default'] as const),
    sessionTimeoutMs,
    heartbeatIntervalMs: sessionTimeoutMs / 3,
    rebalanceTimeoutMs: random.pick([6000, 15_000, 60_000]),
    maxDelayMs: random.pick([0, 3000, 10_000]),
    gracefulMs: random.pick([500, 2000, 5000]),
    faultsMs: random.integer(20_000, 45_000),
    faultEveryMs: random.pick([2000, 4000, 8000]),
    faults: faults.length === 0 ? [random.pick(faultKinds)] : faults,
    delays: {
      leastMs: 0.1,
      mostMs: random.pick([2, 10]),
      slowShare: random.pick([0, 0.01, 0.05]),
      slowMs: random.pick([100, 1000]),
    },
    slowSyncShare: random.pick([0, 0.01, 0.1]),
    pluginFailureShare: random.pick([0, 0, 0.1]),
  }
}
