import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { freePorts } from '../../../src/servers/process/port.ts'
import { BrokerProcess } from '../../support/broker/broker-process.ts'
import { untilPasses } from '../../support/until.ts'

describe('the schema registry of penstock broker', () => {
  let directory: string
  let broker: BrokerProcess | null = null

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'penstock-broker-registry-'))
  })
  afterEach(async () => {
    await broker?.end('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })

  it('registers for clients that have the token, and has everything again after a kill', async () => {
    const [port] = await freePorts([null])
    const tokenFile = join(directory, 'token')
    const args = ['--registry', `127.0.0.1:${port}`, '--token-file', tokenFile]
    const url = `http://127.0.0.1:${port}/schema-registry`
    // Relative to the working directory, as the default is.
    const dataDir = relative(process.cwd(), join(directory, 'data'))
    broker = await BrokerProcess.start(dataDir, ...args)
    // The line of the broker comes before the registry listens.
    await untilPasses(async () => expect((await fetch(url)).status).toBe(401))
    const headers = {
      authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`,
      'content-type': 'application/json',
    }
    const path = `${url}/subjects/orders-value/versions`
    const registered = await fetch(path, { method: 'POST', headers, body: JSON.stringify({ schema: '"long"' }) })
    expect(await registered.json()).toMatchObject({ id: 1, version: 1 })
    expect((await fetch(`http://127.0.0.1:${port}/connectors`, { headers })).status).toBe(404)

    await broker.end('SIGKILL')
    broker = await BrokerProcess.start(dataDir, ...args)
    await untilPasses(async () => {
      const response = await fetch(`${url}/schemas/ids/1`, { headers })
      expect(await response.json()).toMatchObject({ schema: '"long"' })
    })
    const { code } = await broker.end('SIGTERM')
    expect(code).toBe(0)
  })

  it('ends with the broker', async () => {
    const [port] = await freePorts([null])
    const url = `http://127.0.0.1:${port}/schema-registry/subjects`
    const dataDir = join(directory, 'data')
    broker = await BrokerProcess.start(dataDir, '--registry', `127.0.0.1:${port}`)
    await untilPasses(async () => expect(await (await fetch(url)).json()).toEqual([]))
    // The broker looks after the lock of the directory.
    rmSync(dataDir, { recursive: true })
    expect(await broker.ended).toMatchObject({ code: 70, stderr: expect.stringMatching(/the data directory is gone/) })
  })
})
