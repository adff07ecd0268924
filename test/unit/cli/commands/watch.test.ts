import { describe, expect, it } from 'vitest'

import { jsonStage } from '../../../support/cli/cli-stage.ts'
import type { Responses } from '../../../support/cli/json-server.ts'

const stage = jsonStage()
const { penstock } = stage

const finding = {
  code: 'PG_SLOT_HELD',
  severity: 'error',
  stage: 'source',
  task: 0,
  since: '2026-01-01T00:00:00.000Z',
  cause: 'slot shop is held back by pid 812',
  evidence: { pid: 812, idle_minutes: 42 },
  fix: 'End the session.',
  commands: ['SELECT pg_terminate_backend(812)'],
}
const instance = { state: 'RUNNING', worker_id: '127.0.0.1:8083' }
const connector = (name: string, type: string, tasks: readonly object[]) => ({
  info: { name, type, config: { 'connector.class': 'X' }, tasks: [] },
  status: { name, type, connector: instance, tasks },
})
const failed = { id: 0, ...instance, state: 'FAILED', trace: 'ConnectError: disk full\n\tat write' }
const connectors = {
  orders: connector('orders', 'source', [{ id: 0, ...instance }]),
  search: connector('search', 'sink', [failed]),
}
const counts = {
  records_read: 0,
  records_written: 0,
  bytes: 0,
  errors: 0,
  dead_letters: 0,
  lag: [],
  behind_seconds: null,
  wal_retained_bytes: null,
  conditions: [],
}
const activity = (written: number, time: number) => ({
  time,
  worker: {
    id: '127.0.0.1:8083',
    version: '0.1.0',
    started: 1000,
    memory_bytes: 174_000_000,
    conditions: ['LOW_DISK: 1 GB is free'],
  },
  connectors: {
    orders: {
      type: 'source',
      state: 'RUNNING',
      tasks: [
        {
          id: 0,
          state: 'RUNNING',
          activity: { ...counts, records_written: written, behind_seconds: 75, wal_retained_bytes: 3_100_000_000 },
        },
      ],
    },
    search: {
      type: 'sink',
      state: 'RUNNING',
      tasks: [
        { id: 0, state: 'FAILED', activity: { ...counts, errors: 3, lag: [{ records: 1200 }, { records: 34 }] } },
      ],
    },
  },
})

describe('penstock status', () => {
  const listed = (all: Readonly<Record<string, unknown>>): Responses => ({
    '/connectors': Object.keys(all),
    '/connectors?expand=info&expand=status': all,
  })
  const connect = { '/': { version: '3.9.1', commit: 'f745', kafka_cluster_id: 'x' }, ...listed(connectors) }

  it('shows with Kafka Connect what statuses say, the failed ones first', async () => {
    const { code, out } = await penstock(['status'], connect)
    expect(code).toBe(1)
    expect(out.replace(/127.0.0.1:\d+/, 'HOST')).toBe(
      [
        'Kafka Connect 3.9.1  http://HOST',
        '',
        '✖ search  task 0  FAILED',
        '    cause  ConnectError: disk full',
        '    fix    Correct the cause, and restart what failed.',
        '    run    penstock connectors restart search --only-failed',
        '',
        'CONNECTOR  TYPE    STATE    TASKS',
        'search     sink    RUNNING  1 FAILED of 1',
        'orders     source  RUNNING  1',
        '',
        '2 connectors, 2 tasks, 1 running\n',
      ].join('\n'),
    )
  })

  it('shows with Penstock its diagnosis, and how far connectors are behind', async () => {
    const { code, out } = await penstock(['status'], {
      '/': { version: '3.9.1', commit: 'penstock', kafka_cluster_id: 'x' },
      ...listed(connectors),
      '/activity': activity(12_345, 61_000_000),
      '/diagnosis': {
        checked_at: '',
        findings: [
          { connector: 'orders', ...finding },
          { connector: null, ...finding, severity: 'info' },
        ],
      },
    })
    expect(code).toBe(1)
    expect(out).toMatch(
      /^Penstock 0\.1\.0 {2}http\S+ {2}up 16 h 40 min {2}174 MB\n\n✖ orders {2}task 0 {2}PG_SLOT_HELD {2}for \d/,
    )
    expect(out).toContain(
      '    seen   pid 812, idle minutes 42\n    fix    End the session.\n    run    SELECT pg_terminate_backend(812)\n',
    )
    expect(out).toMatch(/^orders +source +RUNNING +1 +12,345 +75 s, 3\.1 GB of WAL$/m)
    expect(out).toMatch(/^search +sink +RUNNING +1 FAILED of 1 +0 +3 +1,234 records$/m)
    expect(out).not.toContain('✖ worker')
  })

  it('says that nothing is wrong, with exit code 0', async () => {
    const { code, out } = await penstock(['status'], {
      ...connect,
      ...listed({ orders: connectors.orders }),
    })
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('✔ nothing is wrong') })
    const json = await penstock(['status', '--json'], { ...connect, ...listed({}) })
    expect(JSON.parse(json.out)).toMatchObject({ problems: [], activity: null })
  })
})

describe('penstock why', () => {
  it('names what binds a connector, and what to type', async () => {
    const diagnosis = {
      connector: 'orders',
      type: 'source',
      verdict: 'blocked',
      findings: [finding],
      flow: {
        binds: 'source',
        records_per_second: 0,
        lag_records: null,
        behind_seconds: 75,
        retained_bytes: 3_100_000_000,
      },
    }
    const { code, out } = await penstock(['why', 'orders'], { '/connectors/orders/diagnosis': diagnosis })
    expect(code).toBe(1)
    expect(out).toMatch(
      /^orders {2}source {2}blocked {2}0 records\/s, 75 s behind, 3\.1 GB retained\n\n✖ orders {2}task 0/,
    )
    const healthy = { ...diagnosis, verdict: 'healthy', findings: [{ ...finding, severity: 'info' }] }
    expect(await penstock(['why', 'orders'], { '/connectors/orders/diagnosis': healthy })).toMatchObject({ code: 0 })
  })

  it('names what is wrong with a worker; the worst first', async () => {
    const findings = [
      { connector: 'a', ...finding, severity: 'warning' },
      { connector: 'b', ...finding },
    ]
    const { out } = await penstock(['why'], { '/diagnosis': { checked_at: '', findings } })
    expect(out).toMatch(/^✖ b [^]*^! a /m)
  })

  it('says by name that Kafka Connect cannot', async () => {
    expect(await penstock(['why', 'orders'], {})).toMatchObject({
      code: 9,
      err: expect.stringContaining(
        'does not have this operation (GET /connectors/orders/diagnosis). It is Kafka Connect',
      ),
    })
  })
})

describe('penstock top', () => {
  it('draws rates on a screen of its own, and leaves it', async () => {
    let at = 0
    const looks = [activity(1000, 61_000_000), activity(4000, 61_002_000)]
    const responses = {
      get '/activity'() {
        return looks[at++]
      },
    }
    const { code, out } = await penstock(['top', '--interval', '1', '--count', '2'], responses, { columns: 100 })
    expect(code).toBe(0)
    const [, , second = ''] = out.split('\u001b[H')
    expect(second).toContain('! LOW_DISK: 1 GB is free')
    expect(second).toMatch(/orders +source +RUNNING +1 +1,500 +4,000 +75 s/)
    expect(out.startsWith('\u001b[?1049h')).toBe(true)
    expect(out.endsWith('\u001b[?1049l')).toBe(true)
  })

  it('needs a terminal or --json, and a worker that counts', async () => {
    expect(await penstock(['top'], {})).toMatchObject({ code: 2, err: expect.stringContaining('--json') })
    expect(await penstock(['top', '--json'], {})).toMatchObject({ code: 9 })
    const { out } = await penstock(['top', '--json', '--count', '1'], { '/activity': activity(1, 1) })
    expect(JSON.parse(out)).toMatchObject({ rates: {}, worker: { id: '127.0.0.1:8083' } })
  })
})

describe('penstock errors', () => {
  const cause = {
    cause: '5f0c2a',
    stage: 'VALUE_CONVERTER',
    class: 'JsonConverter',
    exception: 'org.apache.DataException',
    message: 'no JSON',
    count: 12,
    replayed: 2,
    first_time: null,
    last_time: '2026-11-30T15:00:00Z',
    example: {
      message: 'no JSON at 3',
      dead_letter: { partition: 0, offset: 1 },
      record: { topic: 'orders', partition: 0, offset: 1 },
    },
  }
  const list = {
    topic: 'dlq',
    causes: [cause],
    unlisted: 0,
    read: { records: 12, own: 12, complete: true },
    next: '0:5',
    note: null,
  }

  it('lists dead letters by cause', async () => {
    const { out } = await penstock(['errors', 'list', 'search'], { '/connectors/search/errors': list })
    expect(out).toMatch(/^12 dead letters of search in dlq\n\n12 × DataException\n {4}message +no JSON at 3\n/)
    expect(out).toContain('example    orders, partition 0, offset 1\n')
    expect(out).toContain('penstock errors list search --before 0:5')
    const none = await penstock(['errors', 'list', 'search'], { '/connectors/search/errors': { ...list, causes: [] } })
    expect(none.out).toBe('search has no dead letters in dlq (12 records read).\n')
  })

  it('has them delivered again, with a stop before and a resume afterwards', async () => {
    const stopped = { name: 'search', type: 'sink', connector: { ...instance, state: 'STOPPED' }, tasks: [] }
    const result = await penstock(['errors', 'replay', 'search', '--cause', '5f0c2a', '--limit', '5', '--restart'], {
      'PUT /connectors/search/stop': null,
      'PUT /connectors/search/resume': {},
      '/connectors/search/stop': {},
      '/connectors/search/status': stopped,
      '/connectors/search/errors/replay': { records: 5, gone: 0, more: true, message: '5 records are delivered again' },
    })
    expect(result).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /^✔ 5 records are delivered again\nThe limit leaves letters.*\nsearch is resumed\.\n$/,
      ),
    })
    const sent = stage.server?.requests.map(({ method, url, body }) => `${method} ${url} ${body}`.trim())
    expect(sent).toEqual([
      'PUT /connectors/search/stop',
      'GET /connectors/search/status',
      'POST /connectors/search/errors/replay {"cause":"5f0c2a","limit":5}',
      'PUT /connectors/search/resume',
    ])
  })
})
