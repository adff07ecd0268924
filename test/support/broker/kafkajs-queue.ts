import { createRequire } from 'node:module'

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
}

/*
 * Imported for what it does: each connection of kafkajs 2.2.4 looks for throttled requests every millisecond for as long as it
 * lives, with a timer whose negative time Node warns about. It has to look only where something waits.
 */
const require = createRequire(import.meta.url)
const queue = require('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue }
const method = 'scheduleCheckPendingRequests'
const schedule = Reflect.get(queue.prototype, method) as (this: RequestQueue) => void
Reflect.set(queue.prototype, method, function (this: RequestQueue): void {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
})
