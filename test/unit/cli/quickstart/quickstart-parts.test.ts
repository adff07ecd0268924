import { describe, expect, it } from 'vitest'

import { archiveConfig, searchConfig, sourceConfig } from '../../../../src/cli/quickstart/connectors.ts'
import { describeJourney } from '../../../../src/cli/quickstart/journey.ts'
import { parseOptions } from '../../../../src/cli/quickstart/options.ts'
import { Report } from '../../../../src/cli/quickstart/report.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'

describe('the options of the quickstart', () => {
  it('begin with a temporary folder, servers of its own and 10,000 orders', () => {
    expect(parseOptions([], {})).toEqual({
      once: false,
      json: false,
      data: null,
      yes: false,
      orders: 10_000,
      given: { postgres: null, elasticsearch: null, s3: null },
    })
  })

  it('refuse to write to a database that was not started here, unless allowed', () => {
    const env = { PENSTOCK_POSTGRES_URL: 'postgres://a@b/c' }
    expect(() => parseOptions([], env)).toThrow(/database "penstock_shop" there and write to it: add --yes/)
    expect(parseOptions(['--yes'], env).given.postgres).toBe('postgres://a@b/c')
  })

  it('name what they do not know, with the usage', () => {
    expect(() => parseOptions(['--twice'], {})).toThrow(/Unknown option '--twice'[^]*penstock quickstart \[--once\]/)
    expect(() => parseOptions(['--orders', 'many'], {})).toThrow('--orders takes a whole number, not many')
  })
})

describe('the report of the quickstart', () => {
  const report = (json: boolean, signal = new AbortController().signal): { report: Report; lines: string[] } => {
    const lines: string[] = []
    let now = 0
    const clock = { ...systemClock, monotonic: () => (now += 1234) }
    return { report: new Report({ json, clock, signal, write: (line) => lines.push(line) }), lines }
  }

  it('tells a step with its time', async () => {
    const { report: text, lines } = report(false)
    expect(await text.step('log', async () => ({ text: 'embedded', value: 7 }))).toBe(7)
    expect(lines).toEqual([expect.stringMatching(/^✔ log {12}embedded +1\.2 s$/)])
  })

  it('tells what could not be had and goes on, without passwords', async () => {
    const { report: text, lines } = report(false)
    const failing = async (): Promise<never> => {
      throw new Error('no postgres://u:secret@h/db')
    }
    expect(await text.step('postgres', failing)).toBeNull()
    expect(lines).toEqual(['✖ postgres       no postgres://u:***@h/db'])
  })

  it('calls nothing missing that was only interrupted', async () => {
    const { report: text, lines } = report(false, AbortSignal.abort())
    const failing = async (): Promise<never> => {
      throw new Error('aborted')
    }
    expect(await text.step('postgres', failing)).toBeNull()
    expect(lines).toEqual([])
  })

  it('is one JSON event a line for programs', async () => {
    const { report: json, lines } = report(true)
    await json.step('log', async () => ({ text: 'embedded', value: null }))
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { event: 'step', step: 'log', text: 'embedded', seconds: 1.234 },
    ])
  })
})

describe('a journey', () => {
  const change = { topic: 'shop.public.orders', partition: 0, offset: 10_001, atMs: 3 }
  it('is one line from commit to object', () => {
    const journey = { order: 42, lsn: '0/1A2B3C8', change, logMs: 1.84, documentMs: 31.2 }
    expect(describeJourney(journey, true)).toBe(
      'order 42: commit 0/1A2B3C8 → log shop.public.orders-0@10001 +1.8 ms → document +31 ms → object in ≤ 10 s',
    )
  })

  it('leaves out what is not there', () => {
    const journey = { order: 42, lsn: '0/1', change, logMs: 2, documentMs: null }
    expect(describeJourney(journey, false)).toBe('order 42: commit 0/1 → log shop.public.orders-0@10001 +2.0 ms')
  })
})

describe('the connectors of the quickstart', () => {
  it('take address and login from URLs', () => {
    expect(sourceConfig('postgres://us%40er:p%2Fw@db:6000/shop')).toMatchObject({
      'database.hostname': 'db',
      'database.port': '6000',
      'database.user': 'us@er',
      'database.password': 'p/w',
      'database.dbname': 'shop',
    })
    expect(searchConfig('http://u:p@es:9200')).toMatchObject({
      'connection.url': 'http://es:9200',
      'connection.username': 'u',
    })
    expect(archiveConfig('http://k:s@s3:9000')).toMatchObject({
      'store.url': 'http://s3:9000',
      'aws.access.key.id': 'k',
    })
  })
})
