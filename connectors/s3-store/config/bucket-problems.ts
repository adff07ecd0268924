import { systemClock, type ConfigProblem } from 'penstock/api'

import { S3RefusedError, S3UnavailableError } from '../client/s3-error.ts'
import type { StoreOption } from './store-options.ts'
import type { StoreSettings } from './store-settings.ts'

const keyOfCode: Readonly<Record<string, StoreOption>> = {
  S3_NO_BUCKET: 's3.bucket.name',
  S3_REGION: 's3.region',
  S3_CREDENTIALS: 'aws.access.key.id',
}

/** Asks the store for the bucket. Only then does the thread load the SDK. */
export async function bucketProblems(settings: StoreSettings, signal: AbortSignal): Promise<readonly ConfigProblem[]> {
  const { S3Store } = await import('../client/s3-store.ts')
  const store = new S3Store(settings, systemClock)
  try {
    await store.checkBucket(signal)
    return []
  } catch (error) {
    if (error instanceof S3RefusedError) {
      return [{ key: keyOfCode[error.code ?? ''] ?? 's3.bucket.name', message: error.message }]
    }
    if (error instanceof S3UnavailableError) {
      const check = 'Check that the store is running, and that store.url (without one: s3.region) is correct.'
      return [{ key: 'store.url', message: `${error.message}. ${check}` }]
    }
    throw error
  } finally {
    store.close()
  }
}
