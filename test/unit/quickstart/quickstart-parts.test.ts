import { once } from 'node:events'
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'

import { describe, expect, it } from 'vitest'

import { archiveConfig, searchConfig, sourceConfig } from '../../../src/quickstart/demo/connectors.ts'
import { askForConsent, describeLeft, describeWrites } from '../../../src/quickstart/consent.ts'
import { describeJourney } from '../../../src/quickstart/demo/journey.ts'
import { parseOptions } from '../../../src/quickstart/options.ts'
import { choosePorts } from '../../../src/quickstart/ports.ts'
import { Report } from '../../../src/quickstart/report.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { freePorts } from '../../../src/servers/process/port.ts'

describe('the options of the quickstart', () => {
  it('begin with a temporary directory, servers of its own and 10,000 orders', () => {
    expect(parseOptions([], {})).toEqual({
      once: false,
      json: false,
      data: null,
      yes: false,
      orders: 10_000,
      ports: { rest: 8083, log: 19_092, postgres: 15_432, elasticsearch: 19_200, s3: 19_000 },
      fixedPorts: [],
      given: { postgres: null, elasticsearch: null, s3: null },
    })
  })

  it('take the ports that are named', () => {
    const options = parseOptions(['--rest-port', '18083', '--s3-port=9'], {})
    expect(options?.ports).toMatchObject({ rest: 18_083, log: 19_092, s3: 9 })
    expect(options?.fixedPorts).toEqual(['rest', 's3'])
  })

  it('report invalid values', () => {
    expect(() => parseOptions(['--orders', 'many'], {})).toThrow('--orders must be a whole number from 1')
    expect(() => parseOptions(['--log-port', '65536'], {})).toThrow('--log-port must be a whole number from 1 to 65535')
  })
})

const given = {
  PENSTOCK_POSTGRES_URL: 'postgres://u:secret@pg:1/db',
  PENSTOCK_ELASTICSEARCH_URL: 'http://es:2',
  PENSTOCK_S3_URL: 'http://k:secret@s3:3',
}

describe('consent', () => {
  const ask = async (args: string[], env: NodeJS.ProcessEnv, reply: string | null): Promise<string> => {
    const options = parseOptions(args, env)
    if (options === null) throw new Error('help')
    const [input, output] = [new PassThrough(), new PassThrough()]
    input.end(reply ?? '')
    await askForConsent(options, { input, output, interactive: reply !== null }, new AbortController().signal)
    return String(output.read() ?? '')
  }

  it.each(Object.entries(given))('is needed for the server of %s alone', async (name, url) => {
    await expect(ask([], { [name]: url }, null)).rejects.toThrow(
      /did not start:[^]*penstock[_-]quickstart[^]*Add --yes/,
    )
    await expect(ask([], { [name]: url }, 'n\n')).rejects.toThrow('Nothing was written.')
    expect(await ask([], { [name]: url }, 'y\n')).toContain('Continue? [y/N]')
    expect(await ask(['--yes'], { [name]: url }, null)).toBe('')
  })

  it('names each server and what is written to it, without passwords (I8)', () => {
    const { given: servers } = parseOptions(['--yes'], given) ?? expect.fail('help')
    const writes = describeWrites(servers) ?? ''
    for (const part of ['pg:1/db', 'http://es:2', 's3:3', 'database penstock_quickstart', 'bucket penstock-quickstart'])
      expect(writes).toContain(part)
    for (const table of ['customers', 'products', 'orders'])
      expect(writes).toContain(`index penstock_quickstart.public.${table}`)
    expect(writes).not.toContain('secret')
  })

  it('is not asked for servers of its own', async () => {
    expect(await ask([], {}, null)).toBe('')
  })
})

describe('remaining data', () => {
  it('is nothing in servers of its own', () => {
    expect(describeLeft({ postgres: false, elasticsearch: false, s3: null })).toBeNull()
  })

  it.each([
    [{ postgres: true, elasticsearch: false, s3: null }, 'DROP DATABASE penstock_quickstart'],
    [
      { postgres: false, elasticsearch: true, s3: null },
      'DELETE "$PENSTOCK_ELASTICSEARCH_URL/penstock_quickstart.public',
    ],
    [{ postgres: false, elasticsearch: false, s3: 'http://s3' }, 's3 rb --force s3://penstock-quickstart'],
  ])('is named with the command that removes it', (left, command) => {
    expect(describeLeft(left)).toContain(command)
    expect(describeLeft(left)?.split('\n')).toHaveLength(2)
  })
})

describe('the ports of the quickstart', () => {
  it('are replaced when they are in use, unless an option names them', async () => {
    const [port = 0] = await freePorts([null])
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    try {
      const options = parseOptions(['--rest-port', String(port)], {}) ?? expect.fail('help')
      await expect(choosePorts(options)).rejects.toThrow(`port ${port} of --rest-port is in use`)
      const { rest } = await choosePorts({ ...options, fixedPorts: [] })
      expect(rest).not.toBe(port)
    } finally {
      server.close()
    }
  })
})

describe('the report of the quickstart', () => {
  const report = (json: boolean, signal = new AbortController().signal): { report: Report; lines: string[] } => {
    const lines: string[] = []
    let now = 0
    const clock = { ...systemClock, monotonic: () => (now += 1234) }
    return { report: new Report({ json, clock, signal, write: (line) => lines.push(line) }), lines }
  }

  it('reports a step with its duration', async () => {
    const { report: text, lines } = report(false)
    expect(await text.step('log', async () => ({ text: '127.0.0.1:1  embedded', value: 7 }))).toBe(7)
    expect(lines).toEqual([expect.stringMatching(/^✔ log {12}127\.0\.0\.1:1 +embedded +1\.2 s$/)])
  })

  it('reports a failed step without passwords, and continues (I8)', async () => {
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
  const change = { topic: 'penstock_quickstart.public.orders', partition: 0, offset: 10_001, atMs: 3 }
  it('is a line a place, with the time since the commit', () => {
    const journey = { order: 42, lsn: '0/1A2B3C8', change, logMs: 1.84, documentMs: 31.2 }
    const lines = describeJourney(journey, true).split('\n')
    expect(lines.map((line) => line.replaceAll(/ +/g, ' ').trim())).toEqual([
      'The path of one row: order 42 is updated',
      'commit 0/1A2B3C8',
      'topic penstock_quickstart.public.orders-0@10001 +1.8 ms',
      'document penstock_quickstart.public.orders/_doc/42 +31 ms',
      'object s3://penstock-quickstart/topics/penstock_quickstart.public.orders/… in ≤ 10 s',
    ])
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(98)
  })

  it('omits missing places', () => {
    const journey = { order: 42, lsn: '0/1', change, logMs: 2, documentMs: null }
    expect(describeJourney(journey, false).split('\n')).toHaveLength(3)
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
