import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { RestClient, type ReceivedResponse } from '../support/rest/rest-client.ts'
import { recordedExchanges, type RecordedExchange } from '../support/rest/rest-recording.ts'
import { until, untilPasses } from '../support/until.ts'
import { WorkerProcess, workerPlace } from '../support/worker/worker-process.ts'
import { ledger, ledgerEntry } from './rest-ledger.ts'

const exchanges = recordedExchanges()
let directory = ''
let worker: WorkerProcess
let client: RestClient

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rest-replay-'))
  await writeFile(join(directory, 'in.txt'), 'line1\nline2\nline3\n')
  worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')), { 'offset.flush.interval.ms': '1000' })
  client = new RestClient(worker.place.rest)
})
afterAll(async () => {
  await worker?.kill()
  await rm(directory, { recursive: true, force: true })
})

/** The recording's directory and addresses become this worker's. */
function here(text: string): string {
  const authority = new URL(worker.place.rest).host
  return text.replaceAll('/data/', `${directory}/`).replaceAll('127.0.0.1:28083', authority)
}

/** Order means nothing in a list of names, in the keys of an object; a stack trace means only that there is one. */
function comparable(text: string): unknown {
  if (text === '') return ''
  const parsed: unknown = JSON.parse(text, (key, value: unknown) => (key === 'trace' ? 'a trace' : value))
  const names = Array.isArray(parsed) && parsed.every((item) => typeof item === 'string')
  return names ? parsed.toSorted() : parsed
}

async function send({ method, path, request_body, request_headers }: RecordedExchange): Promise<ReceivedResponse> {
  const body = request_body === null ? null : here(request_body)
  const declared = Object.fromEntries(Object.entries(request_headers).map(([name, value]) => [name.toLowerCase(), value]))
  const undeclared = body !== null && declared['content-type'] === undefined ? { 'content-type': '' } : {}
  return await client.send(method, path, body, { ...undeclared, ...declared })
}

interface Compared {
  readonly status: number
  readonly contentType: unknown
  readonly location: unknown
  readonly body: unknown
}

function recorded(exchange: RecordedExchange): Compared {
  const json = exchange.body.startsWith('{') || exchange.body.startsWith('[')
  return {
    status: exchange.status,
    // Errors that no resource raised have none in the original.
    contentType: exchange.headers['Content-Type'] ?? (json ? 'application/json' : undefined),
    location: exchange.headers['Location'] === undefined ? undefined : locationHere(exchange.headers['Location']),
    body: json ? comparable(here(exchange.body)) : exchange.body,
  }
}

function locationHere(location: string): string {
  const [base, name = ''] = here(location).split('/connectors/')
  return `${base}/connectors/${name.replaceAll('/', '%2F')}`
}

function answered(answer: ReceivedResponse): Compared {
  const json = answer.body.startsWith('{') || answer.body.startsWith('[')
  return {
    status: answer.status,
    contentType: answer.headers['content-type'],
    location: answer.headers['location'],
    body: json ? comparable(answer.body) : answer.body,
  }
}

/** The plugins of a list that another has too, with the versions of Kafka's own. */
function ofBoth({ body }: Compared, other: Compared): readonly (readonly string[])[] {
  const others = new Set((other.body as Plugin[]).map((plugin) => plugin.class))
  return (body as Plugin[]).flatMap(({ class: name, type, version }) => {
    if (!others.has(name)) return []
    return [name.startsWith('org.apache.') ? [name, type, version] : [name, type]]
  })
}

interface Plugin {
  readonly class: string
  readonly type: string
  readonly version: string
}

/** What shows the state of the worker may need time until it shows what was asked for; all else is sent once. */
async function replay(exchange: RecordedExchange, wanted: (answer: ReceivedResponse) => void): Promise<void> {
  if (exchange.method === 'GET') await untilPasses(async () => wanted(await send(exchange)))
  else wanted(await send(exchange))
}

/** The recording waited between its steps for tasks to be where they were sent. */
async function settled(): Promise<void> {
  const moving = /"state":"(?:UNASSIGNED|RESTARTING)"/
  await until('no task is on the move', async () => {
    return !moving.test((await client.get('/connectors?expand=status')).body)
  })
}

describe('a recorded exchange with Kafka Connect 3.9.1 gets the same response', () => {
  let step = ''
  const title = ({ index, step: at, note, method, path }: RecordedExchange): string =>
    `${index} ${at}${note === null ? '' : ` (${note})`}: ${method} ${path}`

  for (const exchange of exchanges) {
    const entry = ledgerEntry(exchange.index)
    if (entry?.compare === 'skip') continue
    it(title(exchange), async () => {
      if (step !== exchange.step) await settled()
      step = exchange.step
      await replay(exchange, (answer) => {
        const [ours, theirs] = [answered(answer), recorded(exchange)]
        if (entry === null) expect(ours).toEqual(theirs)
        else if (entry.compare === 'status') expect({ ...ours, body: null }).toEqual({ ...theirs, body: null })
        else if (entry.compare === 'shipped') {
          expect({ ...ours, body: ofBoth(ours, theirs) }).toEqual({ ...theirs, body: ofBoth(theirs, ours) })
        } else if (typeof entry.compare === 'object') {
          expect({ status: answer.status, body: answer.body }).toEqual({
            status: entry.compare.status,
            body: expect.stringMatching(entry.compare.body),
          })
        }
      })
    })
  }

  it('or stands in the ledger, once', () => {
    const listed = ledger.flatMap((entry) => entry.exchanges)
    expect(new Set(listed).size).toBe(listed.length)
    expect(listed.every((index) => exchanges[index] !== undefined)).toBe(true)
  })
})
