import type { Servers } from '../../src/servers/servers.ts'

/** Rivals that have to be downloaded or built, and so run only on request. */
export const peers = ['connect', 'debezium', 'benthos'] as const

export type Peer = (typeof peers)[number]

/** The context of a scenario. */
export interface BenchContext {
  /** The servers of this scenario. */
  readonly servers: Servers
  readonly rows: number
  /** Measured runs, after one warm-up run. */
  readonly runs: number
  /** Duration of a latency measurement in seconds. */
  readonly seconds: number
  readonly peers: ReadonlySet<Peer>
  readonly worker: { readonly program?: string }
}
