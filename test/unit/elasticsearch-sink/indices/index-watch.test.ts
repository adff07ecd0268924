import { RetriableError } from 'penstock/api'
import { expect, it } from 'vitest'
import type { Cluster } from '../../../../connectors/elasticsearch-sink/client/cluster.ts'
import { Retries } from '../../../../connectors/elasticsearch-sink/client/retries.ts'
import { IndexWatch } from '../../../../connectors/elasticsearch-sink/indices/index-watch.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

const found = { status: 200, body: '{"orders":{"settings":{"index":{"uuid":"u"}}}}', method: 'GET', path: '/orders' }
const lookMs = 5000

/** A watch that knows an index of a cluster that has stopped responding. */
async function stalled(): Promise<{ clock: ManualClock; watch: IndexWatch; asked: AbortSignal[]; never: AbortSignal }> {
  const clock = new ManualClock()
  const hooks = { onRetry: () => undefined, show: () => undefined }
  const retries = new Retries({ maxRetries: -1, retryBackoffMs: 1 }, clock, quietLogger(), hooks)
  const asked: AbortSignal[] = []
  let responds = true
  const cluster: Cluster = {
    request(_call, signal) {
      if (responds) return Promise.resolve(found)
      asked.push(signal)
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    },
    close: () => Promise.resolve(),
  }
  const context = { setCondition: () => undefined, connector: 'es', clock }
  const watch = new IndexWatch({ cluster, retries, context, requireAlias: false, streams: false, maxNames: 10 })
  const never = new AbortController().signal
  await watch.remember('orders', never)
  responds = false
  return { clock, watch, asked, never }
}

it('a check of the indices ends after 5 s of the task’s clock, and the offsets are not committed (I1)', async () => {
  const { clock, watch, asked, never } = await stalled()
  watch.wrote()
  const checked = watch.confirm(never).catch((error: unknown) => error)
  clock.advance(lookMs - 1)
  expect(asked.map(({ aborted }) => aborted)).toEqual([false])
  clock.advance(1)
  expect(asked.map(({ aborted }) => aborted)).toEqual([true])
  const error = await checked
  expect(error).toBeInstanceOf(RetriableError)
  expect((error as RetriableError).message).toBe(`the indices were not read within ${lookMs} ms`)
  expect(clock.pending).toBe(0)
})

it('a check of the indices ends with the task', async () => {
  const { clock, watch, asked } = await stalled()
  const stop = new AbortController()
  const reason = new Error('stopped')
  watch.wrote()
  const checked = watch.confirm(stop.signal)
  stop.abort(reason)
  await expect(checked).rejects.toBe(reason)
  expect(asked.map(({ aborted }) => aborted)).toEqual([true])
  expect(clock.pending).toBe(0)
})
