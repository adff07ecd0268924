import { parentPort, workerData } from 'node:worker_threads'

import { present } from '../../foundation/assert.ts'
import type { ThreadPort } from './thread-link.ts'

/** Returns the port to the thread that started this one. @throws AssertionError on the main thread */
export function parent(): ThreadPort {
  return present(parentPort, 'the parent port')
}

/** Returns the data that this thread was started with. */
export function startedWith<T>(): T {
  return workerData as T
}
