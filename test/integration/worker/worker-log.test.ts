import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { testWorkers } from '../../support/worker/test-workers.ts'
import { eventually, type WorkerProcess } from '../../support/worker/worker-process.ts'

const workers = testWorkers()
const text = 'org.apache.kafka.connect.storage.StringConverter'
const converters = { 'key.converter': text, 'value.converter': text }

interface Line {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

describe('the log of a worker as it is started', () => {
  it('has a line for each step of a connector, and who asked for it', async () => {
    const [input, output] = [join(workers.directory, 'in.txt'), join(workers.directory, 'out.txt')]
    writeFileSync(input, 'a line\n')
    const at = await workers.start()
    await at.post('lines', { 'connector.class': 'FileStreamSource', file: input, topic: 't', ...converters })
    // A sink that came first would warn that it waits for the topic.
    await eventually('the topic is there', 60_000, async () => {
      const { lines: used } = (await at.request('GET', '/connectors/lines/topics')) as Record<
        string,
        { topics: string[] }
      >
      return used?.topics.includes('t') === true ? true : null
    })
    await at.post('copy', { 'connector.class': 'FileStreamSink', file: output, topics: 't', ...converters })
    await eventually('the line arrives', 60_000, async () => {
      try {
        return readFileSync(output, 'utf8') === 'a line\n' ? true : null
      } catch {
        return null // not there yet
      }
    })
    await at.request('PUT', '/connectors/lines/pause')
    await eventually('it is paused', 60_000, async () => (said(at, 'the task is PAUSED').length > 0 ? true : null))
    await at.request('DELETE', '/connectors/copy')
    await expect(at.request('DELETE', '/connectors/copy')).rejects.toThrow('404')
    expect(await at.stop()).toBe(0)
    for (const step of [
      'REST: connector lines created',
      'REST: connector copy created',
      'connector lines is RUNNING',
      'the task is RUNNING',
      'partitions assigned: t-0 from 0',
      'REST: connector lines paused',
      'REST: connector copy deleted',
      'the task has stopped',
      'connector copy has stopped',
      'stopping the worker: received a signal',
    ]) {
      expect(said(at, step).length, step).toBeGreaterThan(0)
    }
    expect(said(at, 'REST: connector lines paused')[0]).toMatchObject({
      level: 'info',
      method: 'PUT',
      path: '/connectors/lines/pause',
      status: 202,
      remote: '127.0.0.1',
    })
    expect(said(at, 'a request was refused: DELETE /connectors/{connector}')).toMatchObject([{ status: 404 }])
    expect(lines(at).filter(({ level }) => level !== 'info')).toEqual([])
  })
})

const lines = ({ output }: WorkerProcess): readonly Line[] =>
  output.split('\n').flatMap((line) => (line.startsWith('{') ? (JSON.parse(line) as Line) : []))
const said = (at: WorkerProcess, msg: string): readonly Line[] => lines(at).filter((line) => line.msg === msg)
