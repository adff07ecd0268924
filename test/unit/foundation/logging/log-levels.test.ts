import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

import { describe, expect, it } from 'vitest'

import { LogLevels } from '../../../../src/foundation/logging/log-levels.ts'

const names = (levels: LogLevels): object =>
  Object.fromEntries([...levels.settings()].map(([name, { level }]) => [name, level]))

describe('the levels of loggers', () => {
  it('cover loggers below, until one below gets a level of its own', () => {
    const levels = LogLevels.startingAt('warn')
    expect(levels.set('connect.runtime', 'DEBUG', 5)).toEqual(['connect.runtime'])
    expect(levels.allows('connect.runtime.Task', 'debug')).toBe(true)
    expect(levels.allows('connect.runtime.Task', 'trace')).toBe(false)
    expect(levels.allows('connect.runtimes', 'info')).toBe(false)
    levels.set('connect.runtime.Task', 'OFF', 6)
    expect(levels.allows('connect.runtime.Task', 'error')).toBe(false)
    expect([...levels.settings()]).toEqual([
      ['root', { level: 'WARN', lastModified: null }],
      ['connect.runtime', { level: 'DEBUG', lastModified: 5 }],
      ['connect.runtime.Task', { level: 'OFF', lastModified: 6 }],
    ])
  })

  it('replace those of all loggers whose names begin alike, and the root those of all', () => {
    const levels = LogLevels.startingAt('info')
    for (const name of ['connect.runtime', 'connect.rest', 'other']) levels.set(name, 'DEBUG', 0)
    expect(levels.set('connect.r', 'ERROR', 0)).toEqual(['connect.r', 'connect.rest', 'connect.runtime'])
    expect(levels.allows('connect.rest', 'warn')).toBe(false)
    expect(levels.set('root', 'TRACE', 0)).toEqual(['connect.r', 'connect.rest', 'connect.runtime', 'other', 'root'])
    expect(levels.allows('connect.rest', 'trace')).toBe(true)
  })

  it('are set by the names of Kafka Connect, too', () => {
    const levels = LogLevels.startingAt('info')
    levels.set('connect.runtime', 'ERROR', 0)
    expect(levels.set('org.apache.kafka.connect', 'DEBUG', 0)).toEqual(['connect.runtime', 'org.apache.kafka.connect'])
    expect(levels.allows('connect.runtime.Task', 'debug')).toBe(true)
    expect(levels.allows('connect.rest', 'debug')).toBe(true)
    expect(levels.set('connect', 'WARN', 0)).toEqual(['connect', 'connect.runtime', 'org.apache.kafka.connect'])
    expect(levels.allows('connect.rest', 'info')).toBe(false)
  })

  it('reach other threads with their next line', async () => {
    const levels = LogLevels.startingAt('info')
    const module = new URL('../../../../src/foundation/logging/log-levels.ts', import.meta.url).href
    const thread = new Worker(
      `import { parentPort, workerData } from 'node:worker_threads'
       import { LogLevels } from ${JSON.stringify(module)}
       const levels = LogLevels.sharedWith(workerData)
       parentPort.on('message', (name) => parentPort.postMessage(levels.allows(name, 'debug')))`,
      { eval: true, workerData: levels.buffer },
    )
    const allows = async (name: string): Promise<unknown> => {
      thread.postMessage(name)
      const [allowed] = (await once(thread, 'message')) as [unknown]
      return allowed
    }
    try {
      expect(await allows('connect.a')).toBe(false)
      levels.set('connect.a', 'DEBUG', 0)
      expect([await allows('connect.a'), await allows('connect.b')]).toEqual([true, false])
      levels.set('connect.a', 'INFO', 0)
      expect(await allows('connect.a')).toBe(false)
    } finally {
      await thread.terminate()
    }
  })

  it('that do not fit into their memory are rejected, and the others stay', () => {
    const levels = LogLevels.startingAt('info')
    const fill = (): void => {
      for (let n = 0; ; n += 1) levels.set(`l${n}-${'x'.repeat(1000)}`, 'DEBUG', 0)
    }
    expect(fill).toThrow(RangeError)
    const before = names(levels)
    expect(() => levels.set('y'.repeat(70_000), 'DEBUG', 0)).toThrow(RangeError)
    expect(names(levels)).toEqual(before)
    expect(levels.allows('connect', 'info')).toBe(true)
  })
})
