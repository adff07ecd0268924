import { errorMessage, type Counter, type Logger } from 'penstock/api'

import { S3RefusedError } from '../../s3-store/client/s3-error.ts'
import type { S3Store } from '../../s3-store/client/s3-store.ts'

/** The records of an object: the offsets of the first and the last one, and how many there are. */
export interface ObjectRecords {
  readonly start: number
  readonly last: number
  readonly count: number
}

export interface TagSettings {
  /** Besides those of the records; they replace those with the same keys. */
  readonly pairs: readonly (readonly [key: string, value: string])[]
  /** Whether an object without tags fails the task. */
  readonly failsOnError: boolean
}

interface TaggerOptions extends TagSettings {
  readonly store: Pick<S3Store, 'putTags'>
  readonly logger: Logger
  /** Counts the objects without tags. */
  readonly untagged: Counter
}

/** Gives objects that are in the store the tags of Confluent's sink. */
export class ObjectTagger {
  readonly #options: TaggerOptions

  constructor(options: TaggerOptions) {
    this.#options = options
  }

  /** @throws S3RefusedError by `s3.object.behavior.on.tagging.error`. */
  async tag(key: string, { start, last, count }: ObjectRecords, signal: AbortSignal): Promise<void> {
    const { store, pairs, failsOnError, logger, untagged } = this.#options
    const tags = new Map<string, string>([
      ['startOffset', String(start)],
      ['endOffset', String(last)],
      ['recordCount', String(count)],
      ...pairs,
    ])
    try {
      await store.putTags(key, [...tags], signal)
    } catch (error) {
      if (failsOnError || !(error instanceof S3RefusedError)) throw error
      untagged.add(1)
      logger.warn(`${key} has no tags: ${errorMessage(error)}`)
    }
  }
}
