import { systemClock, type RawConfig } from 'penstock/api'

import { S3Store } from '../../../connectors/s3-store/client/s3-store.ts'
import { parseManifest, type Manifest } from '../../../connectors/s3-store/manifest/manifest.ts'
import { verifyArchive, type VerifiedPartition } from '../../../connectors/s3-store/manifest/verify-archive.ts'
import type { MemoryS3 } from './memory-s3.ts'
import { storeSettingsOf } from './s3-config.ts'

/** What the verification of an archive says. */
export interface Verification {
  /** `kind key`, of each fault. */
  readonly faults: readonly string[]
  readonly partitions: readonly VerifiedPartition[]
}

/** Verifies the archive in a store. @param settings of its sink */
export async function verified(store: MemoryS3, settings: RawConfig = {}): Promise<Verification> {
  const client = new S3Store(storeSettingsOf({ 'store.url': store.url, ...settings }), systemClock)
  const faults: string[] = []
  const partitions: VerifiedPartition[] = []
  try {
    const layout = { topicsDir: settings['topics.dir'] ?? '', directoryDelimiter: '/', fileDelimiter: '+' }
    const onFault = ({ kind, key }: { readonly kind: string; readonly key: string }): void =>
      void faults.push(`${kind} ${key}`)
    const onPartition = (partition: VerifiedPartition): void => void partitions.push(partition)
    await verifyArchive(client, { layout, onFault, onPartition }, new AbortController().signal)
    return { faults, partitions }
  } finally {
    client.close()
  }
}

/** The manifests in a store, in the order of their names. */
export function manifestsIn(store: MemoryS3): readonly Manifest[] {
  const found = [...store.objects].filter(([key]) => key.includes('/_manifest/'))
  return found.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, { body }]) => parseManifest(body))
}
