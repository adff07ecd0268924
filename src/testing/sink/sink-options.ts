import type { ConnectRecord, SinkRecord } from '../../api/record.ts'
import type { TopicPartition } from '../../foundation/topic-partition.ts'
import type { ConnectorFixture, ConnectorOptions, Interruptible } from '../connector/connector-options.ts'

/** The fields of a record that a fixture chooses. The others have defaults. */
export type RecordParts = Partial<
  Pick<ConnectRecord, 'keySchema' | 'key' | 'valueSchema' | 'value' | 'headers' | 'timestamp'>
>

/** What a case of a sink needs. */
export interface SinkFixture extends ConnectorFixture {
  /** Two topics that the target knows nothing of. Default `first` and `second`. */
  readonly topics?: readonly [string, string] | undefined
  /** Returns record `number`, from 0, of a topic partition, with a key and a value of its own. */
  readonly record: (number: number, at: TopicPartition) => RecordParts
  /** Returns what identifies a record in the target; null if the target keeps nothing of it. */
  readonly identify: (record: SinkRecord) => string | null
  /** Returns what identifies each record that is in the target and would survive a crash of this process. */
  readonly delivered: () => Promise<readonly string[]> | readonly string[]
}

export interface SinkContractOptions<F extends SinkFixture = SinkFixture>
  extends ConnectorOptions<F>, Interruptible<F> {
  /** Whether a record that is delivered again may be in the target again: at least once, but not exactly once. */
  readonly repeats?: boolean | undefined
}
