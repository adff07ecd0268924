import { deferred, systemClock } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { StoreRequests, type StoreOutcome } from '../../../../connectors/s3-store/client/store-requests.ts'
import { storeSettingsOf } from '../../../support/s3/s3-config.ts'
import { until } from '../../../support/until.ts'

let requests: StoreRequests
let sent: string[]
let ends: (() => void)[]
beforeEach(() => {
  requests = new StoreRequests(storeSettingsOf(), systemClock, {})
  sent = []
  ends = []
})
afterEach(() => requests.close())

/** Sends a request that has no response before its end is called. */
function send(key: string, signal: AbortSignal = new AbortController().signal): Promise<StoreOutcome<unknown>> {
  const response = deferred<unknown>()
  const request = async (): Promise<unknown> => {
    sent.push(key)
    ends.push(() => response.resolve(null))
    return await response.promise
  }
  return requests.untilSettled({ method: 'PUT', key, send: request, proof: null }, signal)
}

it('a request that waits for others is not sent, so that its connection timeout begins with its connection', async () => {
  const all = Array.from({ length: 17 }, (_value, n) => send(`k${n}`))
  await until('16 requests', () => sent.length >= 16)
  expect(sent).not.toContain('k16')
  ends[3]?.()
  await until('the last request', () => sent.includes('k16'))
  for (const end of ends) end()
  expect((await Promise.all(all)).map(({ verdict }) => verdict)).toEqual(Array.from({ length: 17 }, () => 'done'))
})

it('a request that is aborted while it waits gives its turn to the next', async () => {
  const first = Array.from({ length: 16 }, (_value, n) => send(`k${n}`))
  const given = new AbortController()
  const aborted = send('aborted', given.signal)
  const last = send('last')
  await until('16 requests', () => sent.length >= 16)
  given.abort(new RangeError('given up'))
  await expect(aborted).rejects.toThrow('given up')
  ends[0]?.()
  await until('the last request', () => sent.includes('last'))
  for (const end of ends) end()
  await Promise.all([...first, last])
  expect(sent).not.toContain('aborted')
})
