import type { Servers } from '../../src/servers/servers.ts'

/** What every scenario is given. */
export interface BenchContext {
  readonly servers: Servers
  readonly rows: number
  /** Counted runs, after one of warm-up. */
  readonly runs: number
  /** Seconds of a latency measurement. */
  readonly seconds: number
  readonly peer: 'debezium' | null
  readonly worker: { readonly program?: string }
}
