import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { testWorkers } from '../../support/worker/test-workers.ts'
import { eventually, type WorkerProcess } from '../../support/worker/worker-process.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'
const converters = { 'key.converter': text, 'value.converter': text }
/** A regular expression that takes indefinitely to find that the name below does not match. */
const router = {
  transforms: 'route',
  'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
  'transforms.route.regex': '(a+)+$',
  'transforms.route.replacement': 'x',
}
const endlessTopic = `${'a'.repeat(40)}b`
const workers = testWorkers()

interface Status {
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[]
}

const statusOf = async (at: WorkerProcess, name: string): Promise<Status | null> =>
  (await at.request('GET', `/connectors/${name}/status`).catch(() => null)) as Status | null

describe('a worker whose tasks share a thread', () => {
  it('ends the thread that one of them blocks, moves the others, and says by name who it was', async () => {
    const at = await workers.start({
      'task.threads.max': '2',
      'task.threads.blocked.max.ms': '3000',
      'task.blocked.max.ms': '9000',
    })
    const names = ['one', 'two', 'three']
    for (const name of names) {
      writeFileSync(join(workers.directory, name), 'first\n')
      const source = {
        'connector.class': 'FileStreamSource',
        file: join(workers.directory, name),
        topic: name,
        ...converters,
      }
      await at.post(name, source)
    }
    const output = join(workers.directory, 'out')
    await at.post('sink', { 'connector.class': 'FileStreamSink', topics: names.join(), file: output, ...converters })
    const lines = (): string[] => (existsSync(output) ? readFileSync(output, 'utf8').split('\n') : [])
    const untilLine = async (wanted: string): Promise<void> => {
      await eventually(`a line ${wanted} of each source`, 60_000, async () =>
        lines().filter((line) => line === wanted).length === names.length ? true : null,
      )
    }
    await untilLine('first')
    writeFileSync(join(workers.directory, 'endless'), 'x\n')
    await at.post('endless', {
      'connector.class': 'FileStreamSource',
      file: join(workers.directory, 'endless'),
      topic: endlessTopic,
      ...converters,
      ...router,
    })
    await eventually('the endless one fails by name', 120_000, async () => {
      const [task] = (await statusOf(at, 'endless'))?.tasks ?? []
      return task?.state === 'FAILED' && task.trace?.includes('TASK_BLOCKED: task endless-0') === true ? true : null
    })
    for (const name of names) appendFileSync(join(workers.directory, name), 'second\n')
    await untilLine('second')
    for (const name of names) expect((await statusOf(at, name))?.tasks[0]).toMatchObject({ state: 'RUNNING' })
    expect(at.output).toContain('TASK_THREAD_BLOCKED: task endless-0 kept a thread that it shares busy')
    expect(at.output).toContain('at RegExp')
    const metrics = await (await fetch(`${at.place.rest}/metrics`)).text()
    expect(metrics).toContain('penstock_task_thread_blocked_total{connector="endless",task="0"} 2')
    await at.request('DELETE', '/connectors/endless')
    for (const name of names) appendFileSync(join(workers.directory, name), 'third\n')
    await untilLine('third')
  })
})
