import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../src/foundation/clock.ts'
import { apis } from '../support/protocol/apis.ts'
import { BrokerHarness } from '../support/broker/broker-harness.ts'
import { MemoryFileSystem } from '../support/log/memory-file-system.ts'
import { arraysOf, hostileFrame, largeFrame } from '../support/hostile/hostile-frames.ts'
import type { Api } from '../../src/protocol/schema.ts'

/** An honest request has fewer elements than the first, a costly one more. */
const [few, many] = [4_000, 16_000]
/** Four times the elements cost four times as much; a quadratic handler takes sixteen times. */
const linear = 10
/** What costs less is not worth a look. */
const negligibleMs = 400
const tooMany = 100_001

let harness: BrokerHarness

/** What repeated log lines wait for: a minute that passes when it is told to. */
let minute: (() => void)[] = []
const clock: Clock = {
  ...systemClock,
  after: (ms, action) => {
    if (ms < 60_000) return systemClock.after(ms, action)
    minute.push(action)
    return () => void (minute = minute.filter((one) => one !== action))
  },
}

function passMinutes(): void {
  while (minute.length > 0) for (const action of minute.splice(0)) action()
}

beforeAll(async () => {
  harness = await BrokerHarness.start({ fs: new MemoryFileSystem(), clock })
  await harness.broker.topics.create('t', 3, {})
})

afterAll(() => harness.close())

async function served(): Promise<Api[]> {
  const client = await harness.connect()
  const { apiKeys } = await client.call(apis.apiVersions, 0, {})
  return (Object.values(apis) as Api[]).filter(({ key }) => apiKeys.some(({ apiKey }) => apiKey === key))
}

/** Milliseconds of processor time until the request gets a response, or its connection closed. */
async function costOf(frame: Buffer): Promise<number> {
  const client = await harness.connect()
  const before = process.cpuUsage()
  client.sendBytes(frame)
  await client.next().catch(() => null)
  const { user, system } = process.cpuUsage(before)
  await client.close()
  return (user + system) / 1000
}

async function warningsOf(frame: Buffer): Promise<string[]> {
  const client = await harness.connect()
  const { lines } = harness.logger
  passMinutes()
  const before = lines.length
  client.sendBytes(frame)
  await client.closed
  return lines.slice(before).map(({ level, message }) => `${level}: ${message}`)
}

describe('every array of every request', () => {
  it('is refused by name before it is read, when it is longer than the frame, or than any request needs', async () => {
    const faults: string[] = []
    for (const api of await served()) {
      for (const version of api.versions) {
        for (const { path, name } of arraysOf(api, version)) {
          const place = `${api.name} v${version} request`
          const lies = await warningsOf(hostileFrame(api, version, path, 0x7fff_fff0))
          if (!lies[0]?.includes(`${place}: ${name}: 2147483632 elements do not fit`))
            faults.push(`${place} ${path.join('.')}: ${lies.join()}`)
          if (version !== api.versions[1]) continue
          const large = await warningsOf(largeFrame(api, version, { path, count: tooMany }))
          if (!large[0]?.includes(`${place}: ${name}: the message has more than 100000 array elements`))
            faults.push(`${place} ${path.join('.')}: ${large.join()}`)
        }
      }
    }
    expect(faults).toEqual([])
  }, 600_000)

  it('takes time in proportion to its length', async () => {
    const slow: string[] = []
    for (const api of await served()) {
      const version = api.versions[1]
      for (const { path } of arraysOf(api, version)) {
        for (const kind of ['equal', 'distinct'] as const) {
          const cost = async (count: number): Promise<number> => costOf(largeFrame(api, version, { path, count, kind }))
          await cost(few)
          const large = await cost(many)
          if (large < negligibleMs) continue
          const ratio = large / Math.max(await cost(few), 1)
          if (ratio > linear)
            slow.push(`${api.name} v${version} ${path.join('.')} (${kind}): ${ratio.toFixed(1)} times`)
        }
      }
    }
    expect(slow).toEqual([])
  }, 600_000)
})
