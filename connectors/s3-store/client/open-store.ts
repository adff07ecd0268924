import type { Clock } from 'penstock/api'

import type { StoreSettings } from '../config/store-settings.ts'
import type { S3Store } from './s3-store.ts'
import type { StoreEvents } from './store-requests.ts'

/**
 * The store of a task, whose bucket is there. Only now does the thread load the SDK: the plugin thread loads the modules of tasks too.
 * @throws as {@link S3Store.checkBucket} does, and the reason of the signal; the store is closed then
 */
export async function openStore(
  settings: StoreSettings,
  clock: Clock,
  events: StoreEvents,
  signal: AbortSignal,
): Promise<S3Store> {
  const store = new (await import('./s3-store.ts')).S3Store(settings, clock, events)
  try {
    await store.checkBucket(signal)
    // The check may have succeeded just before the task was stopped.
    signal.throwIfAborted()
    return store
  } catch (error) {
    store.close()
    throw error
  }
}
