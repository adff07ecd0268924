import { readdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import {
  clockCheck,
  diskCheck,
  existingDirectory,
  isListening,
  nodeCheck,
  portCheck,
  serverCheck,
  serversOf,
  syncCheck,
  syncTimes,
} from '../../../../src/cli/doctor/checks.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { runCli } from '../../../support/cli/run-cli.ts'
import { MemoryHerder } from '../../../support/rest/memory-herder.ts'
import { startedRest } from '../../../support/rest/started-rest.ts'

describe('a check', () => {
  it.each([
    ['good', nodeCheck('v24.1.0')],
    ['bad', nodeCheck('v22.1.0')],
    ['good', diskCheck('/data', { free: 50e9, all: 100e9 })],
    ['warning', diskCheck('/data', { free: 50e9, all: 1000e9 })],
    ['warning', diskCheck('/data', { free: 4e9, all: 5e9 })],
    ['bad', diskCheck('/data', { free: 1e8, all: 5e9 })],
    ['good', syncCheck([1, 2, 300])],
    ['warning', syncCheck([1, 25, 26])],
    ['good', clockCheck(10_000, 9000)],
    ['warning', clockCheck(10_000, 20_000)],
    ['good', portCheck(8083, 'REST', { isUsed: false, isOurs: false })],
    ['good', portCheck(8083, 'REST', { isUsed: true, isOurs: true })],
    ['warning', portCheck(8083, 'REST', { isUsed: true, isOurs: false })],
    ['bad', serverCheck({ connector: 'a', host: 'b', port: 1 }, 'refused')],
  ])('is %s: %j', (state, check) => {
    expect(check.state).toBe(state)
    expect(check.fix === '').toBe(state === 'good')
  })

  it('finds the servers that a config names', () => {
    const config = {
      'database.hostname': 'db',
      'database.port': '6432',
      'connection.url': 'http://es1:9200, https://es2',
      'store.url': 'none',
    }
    expect(serversOf('a', config)).toEqual([
      { connector: 'a', host: 'db', port: 6432 },
      { connector: 'a', host: 'es1', port: 9200 },
      { connector: 'a', host: 'es2', port: 443 },
    ])
  })

  it('measures the disk, and leaves nothing behind', () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-doctor-'))
    expect(syncTimes(existingDirectory(join(directory, 'not', 'there')), systemClock)).toHaveLength(20)
    expect(readdirSync(directory)).toEqual([])
    rmSync(directory, { recursive: true })
  })
})

describe('penstock doctor', () => {
  it('looks at the worker, and at the servers of its connectors', async () => {
    const herder = new MemoryHerder()
    const server = await startedRest({ herder })
    const config = {
      name: 'a',
      'connector.class': 'FileStreamSource',
      topic: 'a',
      'connection.url': 'http://127.0.0.1:1',
    }
    await herder.createConnector('a', config, null, new AbortController().signal)
    const { code, out } = await runCli(['doctor'], { env: { PENSTOCK_URL: server.url } })
    expect(code).toBe(1)
    expect(out).toContain(`responds at ${server.url}`)
    expect(out).toMatch(/^✖ server of a +127\.0\.0\.1:1 cannot be reached from here: connect ECONNREFUSED/m)
    expect(await isListening('127.0.0.1', Number(new URL(server.url).port), 1000)).toBe(true)
    await server.close()
  })

  it('does not call a machine without a worker broken', async () => {
    const { code, out } = await runCli(['doctor', '--json'], { env: { PENSTOCK_URL: 'http://127.0.0.1:1' } })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      checks: expect.arrayContaining([expect.objectContaining({ name: 'worker', state: 'warning' })]),
    })
  })
})
