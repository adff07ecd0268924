import { present, type TopicPartition } from 'penstock/api'

import { manifestBytes, sha256Of, type ManifestGroup } from '../../s3-store/manifest/manifest.ts'
import type { ObjectMark } from '../../s3-store/object/object-mark.ts'
import { ObjectPlacement } from '../object/object-placement.ts'
import { ObjectUpload } from '../object/object-upload.ts'
import type { WriterEnvironment } from '../partition/writer-environment.ts'
import type { ChainLink, ManifestChain } from './manifest-chain.ts'

/** What the objects of a set are, for their manifest. */
export interface SetContent {
  readonly partition: TopicPartition
  /** The offset that names the set. */
  readonly start: number
  /** Of the object that the set was begun with. */
  readonly mark: ObjectMark
  readonly groups: readonly ManifestGroup[]
}

/**
 * The manifest of a set, which is put when the objects of the set are in the store and before their offsets are committed. If the
 * process ends in between, the records are read again, and the objects are replaced and get their manifest then.
 */
export class SetManifest {
  readonly #upload: ObjectUpload
  readonly #placement: ObjectPlacement
  readonly #chain: ManifestChain
  readonly #link: ChainLink

  private constructor(upload: ObjectUpload, placement: ObjectPlacement, chain: ManifestChain, link: ChainLink) {
    this.#upload = upload
    this.#placement = placement
    this.#chain = chain
    this.#link = link
  }

  /** @throws ConnectError if the manifest before cannot be read */
  static async of(
    { partition: at, start, mark, groups }: SetContent,
    chain: ManifestChain,
    environment: WriterEnvironment,
    signal: AbortSignal,
  ): Promise<SetManifest> {
    const { store, budget, endings, settings, conditions, minPartBytes, onFailed } = environment
    const { topic, partition } = at
    const before = await chain.before(start, signal)
    const to = Math.max(...groups.map(endOf))
    const bytes = manifestBytes({
      topic,
      topicId: mark.topicId,
      clusterId: mark.clusterId,
      partition,
      // What lies between the objects before and these has no record in the archive.
      from: before === null ? start : Math.min(before.to, start),
      to,
      previous: before === null ? null : { key: before.key, sha256: before.sha256 },
      groups,
    })
    const key = chain.keyOf(start)
    const upload = new ObjectUpload({
      key: () => key,
      mark: { ...mark, writer: crypto.randomUUID() },
      contentType: 'application/json',
      store,
      budget,
      partBytes: settings.partBytes,
      minPartBytes,
      packing: null,
      endings,
      digests: false,
      ready: Promise.resolve(),
      onFailed: (error) => onFailed(at, error),
    })
    upload.end(bytes)
    const placement = new ObjectPlacement({ store, conditions, contentOf: async (whole) => whole })
    return new SetManifest(upload, placement, chain, { key, sha256: sha256Of(bytes), to })
  }

  /** Puts it into its place. Returns whether it is there. If not, call it again after {@link proved}. */
  async place(): Promise<boolean> {
    if ((await this.#placement.place(this.#upload)) !== 'done') return false
    this.#chain.append(this.#link)
    return true
  }

  /** See {@link ObjectPlacement.proved}. */
  proved(): void {
    this.#placement.proved()
  }

  async abort(reason: Error, signal: AbortSignal): Promise<void> {
    await this.#upload.abort(reason, signal)
  }
}

/** The offset behind the last record. */
function endOf({ offsets }: ManifestGroup): number {
  const [first, count] = present(offsets.at(-1), 'a record')
  return first + count
}
