import type { Clock, Logger, TopicPartition } from 'penstock/api'

import type { Partitioner } from '../layout/partitioner.ts'
import type { MemoryBudget } from '../object/memory-budget.ts'
import type { KeyLayout } from '../../s3-store/object/object-key.ts'
import type { WriteConditions } from '../object/object-placement.ts'
import type { ObjectTagger } from '../object/object-tagger.ts'
import type { ConcurrencyLimit } from '../../s3-store/client/concurrency-limit.ts'
import type { S3Store } from '../../s3-store/client/s3-store.ts'
import type { SchemaRule } from '../schema/schema-rule.ts'
import type { ObjectKinds } from '../view/object-kind.ts'
import type { S3SinkSettings } from '../config/settings.ts'

/** What the writers of a task share. */
export interface WriterEnvironment {
  readonly settings: S3SinkSettings
  readonly store: S3Store
  readonly budget: MemoryBudget
  /** See {@link UploadOptions}. */
  readonly endings: ConcurrencyLimit
  readonly kinds: ObjectKinds
  readonly layout: KeyLayout
  readonly partitioner: Partitioner
  /** The directory of all objects of a partition; null: they are in several. */
  readonly singlePath: ((partition: number) => string) | null
  readonly conditions: WriteConditions
  /** Null: objects have no tags. */
  readonly tagger: ObjectTagger | null
  /** For values. */
  readonly schemas: SchemaRule
  /** For keys, which always have one schema in an object. */
  readonly keySchemas: SchemaRule
  readonly clock: Clock
  readonly logger: Logger
  readonly minPartBytes: number
  readonly clusterId: string | null
  readonly topicId: (topic: string) => string | null
  /** Asks for a commit of the offsets before the next object, which may not appear earlier. */
  readonly requestCommit: () => void
  /** Objects that end together are in the store: their offsets can be committed. */
  readonly onCompleted: (stored: { readonly objects: number; readonly records: number; readonly bytes: number }) => void
  /** The writer cannot continue. After an {@link UploadLostError} the task replaces it. */
  readonly onFailed: (writer: TopicPartition, error: unknown) => void
}
