import type { Servers } from '../../src/servers/servers.ts'

/** Rivals that are fetched or built first, and so only run when they are asked for. */
export const peers = ['debezium', 'benthos'] as const

export type Peer = (typeof peers)[number]

/** What every scenario is given. */
export interface BenchContext {
  /** Servers of this scenario alone. */
  readonly servers: Servers
  readonly rows: number
  /** Counted runs, after one of warm-up. */
  readonly runs: number
  /** Seconds of a latency measurement. */
  readonly seconds: number
  readonly peers: ReadonlySet<Peer>
  readonly worker: { readonly program?: string }
}
