import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { signatureHeaders } from '../../src/herder/internal/request-signature.ts'
import { ClientHarness, readAll } from '../contract/client-harness.ts'
import { comparable, isRebalancing, type ComparableResponse } from '../support/rest/compared-responses.ts'
import { RestClient, type ReceivedResponse } from '../support/rest/rest-client.ts'
import { until, untilPasses } from '../support/until.ts'
import { BothWorkers } from '../support/worker/both-workers.ts'
import { requests, setup, type SideRequest } from './side-by-side-requests.ts'

const algorithm = 'HmacSHA256'
/** How long responses may differ because one worker is slower. */
const delayMs = 10_000

let workers: BothWorkers
let keys: { readonly ours: Buffer; readonly theirs: Buffer }

/** The session key of the group. */
async function sessionKey(broker: string, topic: string): Promise<Buffer> {
  const harness = new ClientHarness(broker)
  try {
    return await untilPasses(async () => {
      const records = await readAll(await harness.connect(), topic)
      const found = records.findLast(({ key }) => key?.toString() === 'session-key')
      const { key } = JSON.parse(found?.value?.toString() ?? '') as { key: string }
      return Buffer.from(key, 'base64')
    })
  } finally {
    await harness.close()
  }
}

/** The records of the config topic by which workers count the tasks of sources. */
async function taskCounts(broker: string): Promise<readonly string[]> {
  const harness = new ClientHarness(broker)
  try {
    const records = await readAll(await harness.connect(), workers.configTopic)
    return records.flatMap(({ key, value }) =>
      key?.toString().startsWith('tasks-fencing-') === true ? [`${key.toString()} ${value?.toString() ?? ''}`] : [],
    )
  } finally {
    await harness.close()
  }
}

beforeAll(async () => {
  workers = await BothWorkers.start()
  const { brokers, configTopic } = workers
  keys = { ours: await sessionKey(brokers.ours, configTopic), theirs: await sessionKey(brokers.theirs, configTopic) }
})
afterAll(async () => await workers?.close())

async function send(request: SideRequest, side: 'ours' | 'theirs'): Promise<ReceivedResponse> {
  const { method, path, signed } = request
  const client = new RestClient(workers[side].place.rest)
  const text =
    request.body === undefined || typeof request.body === 'string' ? request.body : JSON.stringify(request.body)
  const body =
    text?.replaceAll('@input', workers.input).replaceAll('@output', join(workers.directory, 'out.txt')) ?? null
  const signature = createHmac('sha256', keys[side])
    .update(body ?? '')
    .digest('base64')
  const headers = {
    ...request.headers,
    ...(signed === true ? { [signatureHeaders.signature]: signature, [signatureHeaders.algorithm]: algorithm } : {}),
  }
  let response = await client.exchange(method, path, body, headers)
  await until(
    () => `${side}: ${method} ${path}: ${response.status} ${response.body}`,
    async () => {
      if (isRebalancing(response)) response = await client.exchange(method, path, body, headers)
      return !isRebalancing(response)
    },
  )
  return response
}

/** Waits until both workers have stored offsets of the source and the sink. */
async function offsetsStored(): Promise<void> {
  for (const side of ['ours', 'theirs'] as const) {
    for (const name of ['src', 'snk']) {
      await untilPasses(async () => {
        const stored = await workers[side].request('GET', `/connectors/${name}/offsets`)
        expect(stored).not.toEqual({ offsets: [] })
      })
    }
  }
}

function titleOf({ method, path, headers, body, signed }: SideRequest): string {
  const parts = [method, path, ...(body === undefined ? [] : [typeof body === 'string' ? body : JSON.stringify(body)])]
  return [
    ...parts,
    ...(headers === undefined ? [] : [JSON.stringify(headers)]),
    ...(signed === true ? ['signed'] : []),
  ].join(' ')
}

/** What differs between the responses; null when nothing does. */
function difference(request: SideRequest, ours: ComparableResponse, theirs: ComparableResponse): string | null {
  const [a, b] = request.words === undefined ? [ours, theirs] : [{ status: ours.status }, { status: theirs.status }]
  if (isDeepStrictEqual(a, b)) return null
  return `here ${JSON.stringify(a)}\n    there ${JSON.stringify(b)}`
}

interface Compared {
  readonly theirs: ReceivedResponse
  /** What differs; null when nothing does. */
  readonly found: string | null
}

async function comparedOnce(request: SideRequest): Promise<Compared> {
  const [ours, theirs] = await Promise.all([send(request, 'ours'), send(request, 'theirs')])
  return { theirs, found: difference(request, comparable(ours), comparable(theirs)) }
}

/** Statuses and offsets follow what was requested with a delay: a GET is repeated until the responses are equal, or for some seconds. */
async function compared(request: SideRequest): Promise<Compared> {
  let last = await comparedOnce(request)
  if (request.method !== 'GET' || last.found === null) return last
  const isEqual = async (): Promise<boolean> => {
    last = await comparedOnce(request)
    return last.found === null
  }
  await until('equal responses', isEqual, delayMs).catch(() => undefined)
  return last
}

describe('a worker of Penstock beside one of Kafka Connect 3.9.1', () => {
  it('responds to the same requests in the same way', async () => {
    const counts = { equal: 0, status: 0, known: 0 }
    const unexpected: string[] = []
    const vanished: string[] = []
    for (const request of requests) {
      const { theirs, found } = await compared(request)
      const what = titleOf(request)
      if (request.differs !== undefined) {
        counts.known += 1
        if (found === null) vanished.push(what)
      } else if (found !== null) unexpected.push(`${what}\n    ${found}`)
      else if (request.words === undefined) counts.equal += 1
      else counts.status += 1
      if (request.method !== 'GET' && theirs.status < 300) await workers.settled()
      if (request === setup.at(-1)) await offsetsStored()
    }
    const ours = await taskCounts(workers.brokers.ours)
    const theirs = await taskCounts(workers.brokers.theirs)
    const lines = [
      `${requests.length} requests: ${counts.equal} equal responses, ${counts.status} equal but for the words, ${counts.known} that differ for a reason`,
      `task count records: here ${JSON.stringify(ours)}, there ${JSON.stringify(theirs)}`,
      ...unexpected.map((line) => `DIFFERENT ${line}`),
      ...vanished.map((line) => `NO LONGER DIFFERENT ${line}`),
    ]
    writeFileSync(new URL('results/side-by-side.txt', import.meta.url), `${lines.join('\n')}\n`)
    expect(unexpected).toEqual([])
    expect(vanished).toEqual([])
    expect(ours).toEqual(theirs)
  })
})
