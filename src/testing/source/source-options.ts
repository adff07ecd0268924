import type { SourceRecord } from '../../api/record.ts'
import type { ConnectorFixture, ConnectorOptions, Interruptible } from '../connector/connector-options.ts'

/** What a case of a source needs. */
export interface SourceFixture extends ConnectorFixture {
  /**
   * Makes the source system have `count` more records, and returns what identifies each, in the order in which they have to
   * arrive. Records of different source partitions may arrive in any order.
   */
  readonly add: (count: number) => Promise<readonly string[]> | readonly string[]
  /** Returns what identifies a record; null if it is not one of those that `add` has added, such as a heartbeat. */
  readonly identify: (record: SourceRecord) => string | null
}

export interface SourceContractOptions<F extends SourceFixture = SourceFixture>
  extends ConnectorOptions<F>, Interruptible<F> {
  /** Whether the source has more records than `add` returns, such as one that makes them up. */
  readonly endless?: boolean | undefined
}
