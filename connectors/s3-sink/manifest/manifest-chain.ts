import { ConnectError, errorMessage, type TopicPartition } from 'penstock/api'

import type { S3Store } from '../../s3-store/client/s3-store.ts'
import { lastBefore } from '../../s3-store/manifest/find-manifest.ts'
import { manifestKey, manifestPrefix, parseManifest, sha256Of } from '../../s3-store/manifest/manifest.ts'
import type { KeyLayout } from '../../s3-store/object/object-key.ts'

/** A manifest that another one names as the one before. */
export interface ChainLink {
  readonly key: string
  readonly sha256: string
  /** The end of its range of offsets. */
  readonly to: number
}

/** The manifests of a partition, each with the one before it. */
export class ManifestChain {
  readonly #store: S3Store
  readonly #layout: KeyLayout
  readonly #partition: TopicPartition
  /** Undefined: it has to be looked for. */
  #last: ChainLink | null | undefined

  constructor(store: S3Store, layout: KeyLayout, partition: TopicPartition) {
    this.#store = store
    this.#layout = layout
    this.#partition = partition
  }

  /** The name of the manifest of the objects that begin at an offset. */
  keyOf(start: number): string {
    return manifestKey(this.#layout, this.#partition, start)
  }

  /** Returns the last manifest before that of `start`; null if there is none. @throws ConnectError if it cannot be read */
  async before(start: number, signal: AbortSignal): Promise<ChainLink | null> {
    this.#last ??= await this.#find(start, signal)
    return this.#last
  }

  /** The manifest is in the store. */
  append(link: ChainLink): void {
    this.#last = link
  }

  async #find(start: number, signal: AbortSignal): Promise<ChainLink | null> {
    const { topic, partition } = this.#partition
    const prefix = manifestPrefix(this.#layout, topic, partition)
    const listed = await lastBefore(this.#store, { prefix, start, keyOf: (offset) => this.keyOf(offset) }, signal)
    if (listed === null) return null
    const bytes = await this.#store.getRange(listed, { start: 0, end: listed.bytes }, signal)
    try {
      if (bytes === null) throw new ConnectError('it was replaced or deleted just now')
      return { key: listed.key, sha256: sha256Of(bytes), to: parseManifest(bytes).to }
    } catch (error) {
      throw new ConnectError(
        `the manifest ${listed.key} cannot be read: ${errorMessage(error)}. The next one has to name it. Restore it from a copy, or move it away and restart the task.`,
        { code: 'S3_MANIFEST', cause: error },
      )
    }
  }
}
