import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { apis } from '../protocol/apis.ts'
import type { Api } from '../../../src/protocol/schema.ts'
import { BrokerProcess } from './broker-process.ts'
import { FrameMutator } from './frame-mutator.ts'
import { RawKafkaClient } from './raw-kafka-client.ts'
import { seededRandom } from '../seeded-random.ts'
import { patienceMs } from '../until.ts'

/** What a broker did under damaged frames. */
export interface FuzzReport {
  readonly frames: number
  /** How the broker ended before it was told to; null: it did not. */
  readonly died: string | null
  /** Why a well-behaved client did not get a response, after which the run ends; null: it got each one. */
  readonly unanswered: string | null
  readonly residentMb: number
  /** Lines of level error. */
  readonly errors: readonly string[]
  /** Whether a broker starts on what this one left. */
  readonly startsAgain: boolean
}

/** Sends damaged frames to a broker in a process of its own until the time is up; a well-behaved client asks in between. */
export async function fuzzBroker(seed: number, forMs: number): Promise<FuzzReport> {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-fuzz-'))
  let broker = await BrokerProcess.start(dataDir)
  const fate: { died: string | null } = { died: null }
  void broker.ended.then(({ code, signal, stderr }) => {
    fate.died = `${code ?? signal}: ${stderr.slice(-2000)}`
  })
  try {
    const control = await RawKafkaClient.connect(broker.address)
    await createTopics(control)
    const served = await servedApis(control)
    const mutator = new FrameMutator(seededRandom(seed))
    const end = performance.now() + forMs
    let unanswered: string | null = null
    let frames = 0
    for (; performance.now() < end && fate.died === null && unanswered === null; frames += 1) {
      const { api, frame } = mutator.next(served, frames)
      await sendOne(broker, frame)
      if (frames % 20 === 0) unanswered = await whyUnanswered(control, api)
    }
    const { died } = fate
    const residentMb = died === null ? residentMbOf(broker.pid) : 0
    const { stderr } = await broker.end('SIGTERM')
    const errors = stderr.split('\n').filter((line) => line.includes('"level":"error"'))
    broker = await BrokerProcess.start(dataDir)
    return { frames, died, unanswered, residentMb, errors, startsAgain: true }
  } finally {
    await broker.end('SIGKILL')
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function createTopics(client: RawKafkaClient): Promise<void> {
  const topics = ['t', 'u'].map((name) => ({
    name,
    numPartitions: 2,
    replicationFactor: 1,
    assignments: [],
    configs: name === 'u' ? [{ name: 'cleanup.policy', value: 'compact' }] : [],
  }))
  await client.call(apis.createTopics, 5, { topics, timeoutMs: 5_000, validateOnly: false })
}

/** The APIs in the versions that the broker serves. */
async function servedApis(client: RawKafkaClient): Promise<Api[]> {
  const { apiKeys } = await client.call(apis.apiVersions, 0, {})
  return (Object.values(apis) as Api[]).flatMap((api) => {
    const served = apiKeys.find(({ apiKey }) => apiKey === api.key)
    if (served === undefined) return []
    const first = Math.max(api.versions[0], served.minVersion)
    return [{ ...api, versions: [first, Math.min(api.versions[1], served.maxVersion)] as const }]
  })
}

/** Most frames get a response or end the connection immediately; a valid one may wait, and is left waiting. */
async function sendOne(broker: BrokerProcess, frame: Buffer): Promise<void> {
  const client = await RawKafkaClient.connect(broker.address).catch(() => null)
  if (client === null) return // `died` or the next answer of the well-behaved client says why.
  client.sendBytes(frame)
  const settled = client.next().then(
    () => undefined,
    () => undefined,
  )
  await Promise.race([settled, delay(20)])
  await client.close()
}

async function whyUnanswered(client: RawKafkaClient, last: Api): Promise<string | null> {
  const response = client.call(apis.apiVersions, 0, {}).then(
    () => null,
    (error: unknown) => `after ${last.name}: ${String(error)}`,
  )
  const late = `after ${last.name}: no response within ${patienceMs} ms`
  return Promise.race([response, delay(patienceMs, late, { ref: false })])
}

function residentMbOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
}
