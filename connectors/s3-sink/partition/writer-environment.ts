import type { Clock, Logger, TopicPartition } from 'penstock/api'

import type { ObjectFormat } from '../format/object-format.ts'
import type { MemoryBudget } from '../object/memory-budget.ts'
import type { KeyLayout } from '../object/object-key.ts'
import type { S3Store } from '../s3-client/s3-store.ts'
import type { SchemaRule } from '../schema/schema-rule.ts'
import type { S3SinkSettings } from '../config/settings.ts'

/** What the writers of a task share. */
export interface WriterEnvironment {
  readonly settings: S3SinkSettings
  readonly store: S3Store
  readonly budget: MemoryBudget
  readonly format: ObjectFormat
  readonly layout: KeyLayout
  readonly contentType: string
  /** Null: objects are not compressed as a whole. */
  readonly gzipLevel: number | null
  readonly schemas: SchemaRule
  readonly clock: Clock
  readonly logger: Logger
  readonly minPartBytes: number
  readonly clusterId: string | null
  readonly topicId: (topic: string) => string | null
  /** Asks for a commit of the offsets before the next object, which may not appear earlier. */
  readonly requestCommit: () => void
  /** An object is in the store: its offsets can be committed. */
  readonly onCompleted: (records: number, bytes: number) => void
  /** The writer cannot continue. After an {@link UploadLostError} the task replaces it. */
  readonly onFailed: (writer: TopicPartition, error: unknown) => void
}
