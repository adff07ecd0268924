import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { RestServer } from '../../../src/rest/rest-server.ts'

import { systemClock } from '../../../src/foundation/clock.ts'
import { MemoryHerder } from '../../support/rest/memory-herder.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const source = { 'connector.class': 'FileStreamSource', topic: 't' }

let herder = new MemoryHerder()
let server: RestServer
let client: RestClient
let logger = quietLogger()

const create = (name: string, config: Record<string, string>): ReturnType<RestClient['post']> =>
  client.post('/connectors', { name, config })

describe('a change over REST', () => {
  beforeEach(async () => {
    herder = new MemoryHerder()
    logger = quietLogger()
    server = await startedRest({ herder, clock: systemClock, logger })
    client = new RestClient(server.url)
  })
  afterEach(() => server.close())

  it('returns the unknown keys of the config as warnings', async () => {
    herder.warnings = ['Configuration "batch.sise" is not known; did you mean "batch.size"?', 'ü\r\nX: y']
    const expected = String.raw`299 - "Configuration \"batch.sise\" is not known; did you mean \"batch.size\"?", 299 - "???X: y"`
    expect((await create('a', source)).headers['warning']).toBe(expected)
    expect((await client.put('/connectors/a/config', source)).headers['warning']).toBe(expected)
    herder.warnings = []
    expect((await client.put('/connectors/a/config', source)).headers['warning']).toBeUndefined()
  })

  it('is logged with its client, and without query, header or body', async () => {
    await create('a/b', { ...source, password: 'hunter2' })
    await client.put('/connectors/a%2Fb/config', { ...source, password: 'hunter2' })
    await client.put('/connector-plugins/FileStreamSource/config/validate', { ...source, name: 'x' })
    await client.get('/connectors')
    await client.post('/connectors/a%2Fb/restart?includeTasks=true&password=hunter2', undefined)
    await client.put('/connectors/unknown/pause', undefined)
    const { lines } = logger
    expect(lines.flatMap(({ level, message }) => (level === 'info' ? [message] : []))).toEqual([
      'REST: connector a/b created',
      'REST: connector a/b updated',
      'REST: connector a/b restarted',
      'a request was refused: PUT /connectors/{connector}/pause',
    ])
    expect(lines.map(({ fields }) => fields?.['remote'])).toContain('127.0.0.1')
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })

  it('is logged in few lines, however often a client repeats it, and so are rejections of a Host or an Origin', async () => {
    for (let sent = 0; sent < 50; sent += 1) {
      await client.put('/connectors/unknown/pause', undefined)
      await client.send('GET', '/connectors', null, { host: `evil-${sent}.example` })
    }
    const said = (text: string) =>
      logger.lines.filter(({ level, message }) => level !== 'debug' && message.includes(text))
    expect(said('PUT /connectors/{connector}/pause')).toHaveLength(3)
    expect(said('must name it as')).toHaveLength(3)
    await server.close()
    expect(said('/pause').at(-1)?.fields).toMatchObject({ linesLikeThis: 47, remote: '127.0.0.1' })
    expect(said('must name it as').at(-1)?.fields).toMatchObject({ linesLikeThis: 47, remote: '127.0.0.1' })
  })
})
