import { describe, expect, it } from 'vitest'

import { startOf } from '../../../../src/cli/commands/topics/tail.ts'
import { streamEvents } from '../../../../src/cli/rest-client/event-stream.ts'
import type { Responses } from '../../../support/cli/json-server.ts'
import { jsonStage } from '../../../support/cli/cli-stage.ts'
import { runCli } from '../../../support/cli/run-cli.ts'

const stage = jsonStage()
const { penstock } = stage

const record = (offset: number, value: unknown, key: unknown = { id: 7 }) => ({
  partition: 0,
  offset,
  timestamp: '2026-11-30T15:00:00.000Z',
  key,
  value,
  headers: [],
  schema: { key: null, value: null },
})
const source = { schema: 'public', table: 'orders', lsn: 4_294_967_312, ts_ms: 1_796_050_000_000 }
const change = { op: 'u', before: { id: 7, status: 'new' }, after: { id: 7, status: 'paid' }, source }
const records = (...all: readonly object[]) => ({
  topic: 'orders',
  connector: 'search',
  next: '0:3',
  read: 3,
  note: null,
  records: all,
})

describe('penstock topics', () => {
  const topics = [
    { name: 'orders', partitions: 2, internal: false, records: 12_000, connectors: ['shop', 'search'] },
    { name: 'connect-configs', partitions: 1, internal: true, records: null, connectors: [] },
  ]

  it('lists topics with their connectors', async () => {
    const { out } = await penstock(['topics', 'list'], { '/topics': topics })
    expect(out).toBe('TOPIC   PARTITIONS  RECORDS  CONNECTORS\norders           2   12,000  shop, search\n')
  })

  it('describes a topic: its partitions, and configs that are set', async () => {
    const { out } = await penstock(['topics', 'describe', 'orders'], {
      '/topics/orders': {
        name: 'orders',
        internal: false,
        records: 3,
        connectors: ['shop'],
        partitions: [{ partition: 0, leader: null, replicas: [1], start: 0, end: 3 }],
        configs: {
          'cleanup.policy': { value: 'compact', override: true },
          'retention.ms': { value: '1', override: false },
        },
      },
    })
    expect(out).toBe(
      'orders  3 records, used by shop\n\nPARTITION  LEADER  REPLICAS  START  END\n        0    none         1      0    3\n\ncleanup.policy  compact\n',
    )
  })

  it('shows records in a line each: a change by what it did, and what cannot be read', async () => {
    const unreadable = {
      ...record(2, null, null),
      error: 'no JSON',
      raw: { key: null, value: Buffer.from('x\u001b').toString('base64') },
    }
    const found = records(record(0, change), record(1, null), unreadable)
    const { out } = await penstock(['topics', 'tail', 'orders', '--from', '5', '--filter', 'a=b'], {
      '/topics/orders/records': found,
    })
    expect(out.split('\n')).toEqual([
      '0:0      2026-11-30 15:00:00.000  {"id":7}  update status: "new" → "paid"',
      '0:1      2026-11-30 15:00:00.000  {"id":7}  tombstone',
      '0:2      2026-11-30 15:00:00.000  cannot be read: no JSON',
      '  value as text: x\\u001b',
      '',
    ])
    expect(stage.server?.requests[0]?.url).toBe('/topics/orders/records?from=5&filter=a%3Db&limit=10')
    const full = await penstock(['topics', 'tail', 'orders', '--full'], {
      '/topics/orders/records': records(record(0, { a: 1 })),
    })
    expect(full.out).toContain('  value  {\n    "a": 1\n  }\n')
  })

  it('follows a topic: continues where the last records end, and opens the stream again', async () => {
    const event = (offset: number): string => `id: 0:${offset + 1}\ndata: ${JSON.stringify(record(offset, offset))}\n\n`
    const server = await stage.start(
      { '/topics/orders/records': records(record(2, 'last')) },
      { '/topics/orders/records': [`: hello\n\n${event(3)}`, event(4)] },
    )
    const stop = new AbortController()
    let seen = ''
    const { code, out } = await runCli(['topics', 'tail', 'orders', '-f', '--json'], {
      env: { PENSTOCK_URL: server.url },
      interrupt: stop.signal,
      onWrite: (text) => {
        seen += text
        if (seen.includes('"offset":4')) stop.abort()
      },
    })
    expect(code).toBe(130)
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { offset: number }).offset),
    ).toEqual([2, 3, 4])
    expect(server.requests.slice(1).map(({ url, lastEvent }) => [url, lastEvent])).toEqual([
      ['/topics/orders/records?from=0%3A3', ''],
      ['/topics/orders/records?from=0%3A3', '0:4'],
    ])
  })

  it('ends with the reason when the topic cannot be read any more', async () => {
    const streams = { '/topics/orders/records': ['event: failure\ndata: it was deleted\n\n'] }
    const server = await stage.start({ '/topics/orders/records': records() }, streams)
    const result = await runCli(['topics', 'tail', 'orders', '-f'], { env: { PENSTOCK_URL: server.url } })
    expect(result).toMatchObject({ code: 8, err: 'penstock: orders cannot be read any more: it was deleted\n' })
  })

  it('reads a time ago', () => {
    expect(startOf('10m', 3_600_000)).toBe('1970-01-01T00:50:00.000Z')
    expect(startOf('10', 0)).toBe('10')
  })
})

describe('penstock trace', () => {
  const log = { partition: 0, offset: 9, time: '2026-11-30T15:00:00.000Z' }
  const commit = { lsn: '1/10', time: '2026-11-30T14:59:59.000Z', transaction: '812', version: '64' }
  const document = { kind: 'document', name: 'orders/7', index: 'orders', id: '7', version: 64 }
  const sink = { connector: 'search', committed_offset: 10, committed: true, place: document, note: null }
  const responses = (parts: object): Responses => ({
    '/topics/orders/journey': { topic: 'orders', commit, log, sinks: [sink], note: null, record: null, ...parts },
  })

  it('shows the commit, the log and the sinks of the newest record of a key', async () => {
    const { code, out } = await penstock(['trace', 'orders', '7', '--connector', 'search'], responses({}))
    expect(code).toBe(0)
    expect(
      out
        .split('\n')
        .slice(1)
        .map((line) => line.trimEnd()),
    ).toEqual([
      '✔  commit  2026-11-30T14:59:59.000Z  LSN 1/10, transaction 812',
      '✔  log     2026-11-30T15:00:00.000Z  orders, partition 0, offset 9',
      '✔  search                            document orders/7, version 64',
      '',
    ])
    expect(stage.server?.requests[0]?.url).toBe('/topics/orders/journey?key=7&connector=search')
  })

  it('says that a sink has not delivered it yet, with exit code 1', async () => {
    const behind = { ...sink, committed_offset: 3, committed: false, place: null, note: 'it is paused' }
    expect(await penstock(['trace', 'orders', '7'], responses({ sinks: [behind] }))).toMatchObject({
      code: 1,
      out: expect.stringContaining('waits: 7 records are not committed yet; it is paused'),
    })
    const next = { ...behind, committed_offset: 9, note: null }
    expect((await penstock(['trace', 'orders', '7'], responses({ sinks: [next] }))).out).toContain(
      'it is the next record',
    )
  })

  it('says of a sink whose plugin does not tell the place that it has delivered', async () => {
    const sinks = [{ ...sink, place: null, note: 'the plugin does not tell' }]
    const { out } = await penstock(['trace', 'orders', '7'], responses({ commit: null, sinks }))
    expect(out).toContain('delivered; the plugin does not tell')
    expect(out).not.toContain('commit ')
  })

  it('says that there is no such key, and what was not searched', async () => {
    const nothing = responses({
      commit: null,
      log: null,
      sinks: [],
      note: 'Only the last 100,000 offsets were searched.',
    })
    expect(await penstock(['trace', 'orders', '8'], nothing)).toMatchObject({
      code: 5,
      err: expect.stringContaining('has no record with the key 8. Only the last'),
    })
  })
})

it('the events of a stream are complete, whatever its chunks are', async () => {
  const bytes = new TextEncoder().encode(
    'id: 1\r\ndata: ä\r\n\r\n: keep\n\nevent: failure\ndata: a\ndata: b\n\ndata: incomplete',
  )
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (const byte of bytes) yield Uint8Array.of(byte)
  }
  const found = []
  for await (const event of streamEvents(chunks())) found.push(event)
  expect(found).toEqual([
    { event: 'message', data: 'ä', id: '1' },
    { event: 'failure', data: 'a\nb', id: null },
  ])
})
