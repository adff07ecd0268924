import { withDeadline, type Clock, type Logger, type OffsetToCommit } from 'penstock/api'

import { isKeyOf, objectKey, partitionPrefix, topicPrefix, type KeyLayout } from '../../s3-store/object/object-key.ts'
import type { S3Store } from '../../s3-store/client/s3-store.ts'
import { allKinds, type ObjectKinds } from '../view/object-kind.ts'

const timeoutMs = 5000

interface Environment {
  readonly store: S3Store
  readonly layout: KeyLayout
  /** The directory of all objects of a partition; null: they are in several. */
  readonly singlePath: ((partition: number) => string) | null
  readonly kinds: ObjectKinds
  readonly clock: Clock
  readonly logger: Logger
}

/** Aborts uploads that a killed process left: their parts cost money and are in no listing of objects. Never fails. */
export async function abortLeftUploads(
  at: OffsetToCommit,
  { store, layout, singlePath, kinds, clock, logger }: Environment,
  stopped: AbortSignal,
): Promise<void> {
  const path = singlePath?.(at.partition) ?? null
  const keys =
    path === null
      ? []
      : allKinds(kinds).map(({ extension }) => objectKey(layout, { ...at, path, extension }, at.offset))
  const prefix = path === null ? topicPrefix(layout, at.topic) : partitionPrefix(layout, { ...at, path })
  try {
    await withDeadline({ clock, ms: timeoutMs, signal: stopped }, async (signal) => {
      // Some stores list uploads by complete keys only.
      for (const start of [prefix, ...keys]) {
        for (const upload of await store.listUploads(start, signal)) {
          if (!isKeyOf(layout, at, upload.key)) continue
          await store.abortUpload(upload.key, upload.uploadId, signal)
        }
      }
    })
  } catch (error) {
    logger.debug(`uploads that an earlier process left under ${prefix} were not aborted`, { error })
  }
}
