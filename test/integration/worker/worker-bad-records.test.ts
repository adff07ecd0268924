import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { TopicWriter, type StateRecord } from '../../../src/storage/topic-writer.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { eventually, workerPlace, WorkerProcess, type WorkerPlace } from '../../support/worker/worker-process.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'
const directories: string[] = []
const workers: WorkerProcess[] = []

afterEach(async () => {
  await Promise.all(workers.splice(0).map(async (worker) => await worker.kill()))
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

async function start(place: WorkerPlace): Promise<WorkerProcess> {
  const worker = await WorkerProcess.start(place)
  workers.push(worker)
  return worker
}

/** Writes records past the worker, as a broken tool would. */
async function writeRaw(place: WorkerPlace, topic: string, records: readonly StateRecord[]): Promise<void> {
  const client = await KafkaClient.connect({
    bootstrapServers: place.broker,
    clientId: 'broken-tool',
    clock: systemClock,
    logger: quietLogger(),
  })
  const writer = new TopicWriter(client)
  await writer.write(topic, records)
  await writer.close()
  await client.close()
}

const longName = 'n'.repeat(300_000)
const properties = (config: Readonly<Record<string, string>>): string => JSON.stringify({ properties: config })

describe('a worker', () => {
  it('runs what it can, also after a restart, whatever stands in its topics, and lets it be deleted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-bad-records-'))
    directories.push(directory)
    const place = await workerPlace(join(directory, 'log'))
    const [input, output] = [join(directory, 'in.txt'), join(directory, 'out.txt')]
    writeFileSync(input, 'one\n')
    const converters = { 'key.converter': text, 'value.converter': text }
    const source = { 'connector.class': 'FileStreamSource', file: input, topic: 'lines', ...converters }
    const first = await start(place)
    await first.post('source', source)
    await writeRaw(place, 'connect-configs', [
      { key: `connector-${longName}`, value: properties({ ...source, name: longName }) },
      { key: `task-${longName}-0`, value: properties(source) },
      { key: `commit-${longName}`, value: '{"tasks":1}' },
      { key: 'connector-', value: properties(source) },
      { key: 'commit-source', value: '{"tasks":2147483647}' },
      { key: 'commit-source', value: '{"tasks":9007199254740991}' },
      { key: Buffer.from([...Buffer.from('connector-'), 0xff, 0xfe]), value: properties(source) },
      { key: 'connector-__proto__', value: '{"properties":{"__proto__":"x"}}' },
      { key: 'session-key', value: '[]' },
    ])
    await writeRaw(place, 'connect-status', [
      {
        key: 'status-connector-source',
        value: '{"state":"FAILED","trace":null,"worker_id":"x:1","generation":9007199254740991}',
      },
      { key: 'status-task-source-x', value: '{}' },
      { key: 'status-topic-lines:connector-source', value: '{"topic":{"task":"x"}}' },
    ])
    await writeRaw(place, 'connect-offsets', [
      { key: '["source",{"filename":"/etc"}]', value: '{"position":{"nested":1}}' },
      { key: '[[[', value: '1' },
      { key: '["source",null]', value: null },
    ])
    for (const worker of [first, await restarted(first)]) {
      await worker.request('PUT', '/connectors/sink/config', {
        'connector.class': 'FileStreamSink',
        file: output,
        topics: 'lines',
        ...converters,
      })
      await eventually('the source and its sink run', 60_000, async () => {
        const all = (await worker.request('GET', '/connectors?expand=status')) as Record<string, Expanded>
        const tasks = ['source', 'sink'].map((name) => all[name]?.status.tasks[0]?.state)
        return tasks.every((state) => state === 'RUNNING') ? true : null
      })
    }
    await eventually('the line is there', 60_000, async () =>
      existsSync(output) && readFileSync(output, 'utf8') !== '' ? true : null,
    )
    const worker = workers.at(-1) ?? first
    const names = (await worker.request('GET', '/connectors')) as string[]
    const standIns = names.filter((name) => name.includes('~'))
    expect(standIns).toHaveLength(2)
    for (const name of standIns) {
      const status = (await worker.request('GET', `/connectors/${name}/status`)) as Expanded['status']
      expect(status.connector).toMatchObject({
        state: 'FAILED',
        trace: expect.stringContaining('CONNECTOR_NAME_UNUSABLE'),
      })
      await worker.request('DELETE', `/connectors/${name}`)
    }
    const left = (await worker.request('GET', '/connectors')) as string[]
    expect(left.toSorted()).toEqual(['__proto__', 'sink', 'source'])
    await worker.request('DELETE', '/connectors/__proto__')
  })

  it('refuses what could not be read back, deleted or given out, and writes nothing of it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-limits-'))
    directories.push(directory)
    const worker = await start(await workerPlace(join(directory, 'log')))
    const rest = new RestClient(worker.place.rest)
    const source = { 'connector.class': 'FileStreamSource', file: '/nowhere', topic: 't' }
    const name = await rest.post('/connectors', { name: longName, config: source })
    expect(name.status).toBe(400)
    expect(name.body).toContain('at most 512 bytes')
    const large = await rest.post('/connectors', { name: 'large', config: { ...source, x: 'x'.repeat(7_000_000) } })
    expect(large.status).toBe(400)
    expect(large.body).toContain('topic connect-configs takes at most')
    const tasks = await rest.post('/connectors', { name: 'many', config: { ...source, 'tasks.max': '2147483647' } })
    expect(tasks.status).toBe(400)
    const proto = JSON.parse(`{"__proto__":"x","constructor":"y","toString":"z"}`) as Record<string, string>
    for (const word of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const created = await rest.post('/connectors', { name: word, config: { ...source, ...proto } })
      expect(created.status).toBe(201)
    }
    await eventually('all of them run', 60_000, async () => {
      const all = Object.entries((await worker.request('GET', '/connectors?expand=status')) as Record<string, Expanded>)
      return all.length === 4 && all.every(([, { status }]) => status.tasks[0]?.state === 'RUNNING') ? true : null
    })
    expect(await worker.request('GET', '/connectors/__proto__/config')).toEqual({
      ...proto,
      ...source,
      name: '__proto__',
    })
    for (const word of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      await worker.request('DELETE', `/connectors/${word}`)
    expect(await worker.request('GET', '/connectors')).toEqual([])
  })
})

interface Expanded {
  readonly status: {
    readonly connector: { readonly state: string; readonly trace?: string }
    readonly tasks: readonly { readonly state: string }[]
  }
}

async function restarted(worker: WorkerProcess): Promise<WorkerProcess> {
  await worker.stop()
  return await start(worker.place)
}
