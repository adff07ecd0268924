import { describe, expect, it } from 'vitest'

import { LogLevels } from '../../../../src/foundation/logging/log-levels.ts'
import { NamedLogger } from '../../../../src/foundation/logging/named-logger.ts'
import { PinoSink, readableLines } from '../../../../src/foundation/logging/pino-logger.ts'

function logger(levels = LogLevels.startingAt('info')) {
  const lines: string[] = []
  return { lines, root: new NamedLogger('connect', new PinoSink(levels, { write: (line) => void lines.push(line) })) }
}

describe('logging', () => {
  it('writes one JSON line with level, time, name, message and fields', () => {
    const { lines, root } = logger()
    root.child('runtime').warn('something is odd', { attempt: 2 })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      logger: 'connect.runtime',
      msg: 'something is odd',
      attempt: 2,
    })
  })

  it('writes an error as its stack', () => {
    const { lines, root } = logger()
    root.error('failed', { error: new TypeError('no such thing') })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ error: expect.stringContaining('TypeError: no such thing\n') })
  })

  it('omits lines below the level of the longest name that covers the logger', () => {
    const levels = LogLevels.startingAt('warn')
    levels.set('connect.runtime', 'DEBUG', 0)
    levels.set('connect.runtime.SinkTask', 'ERROR', 0)
    const { lines, root } = logger(levels)
    root.info('out')
    root.child('runtime').debug('in')
    root.child('runtime').child('SourceTask').debug('in')
    root.child('runtime').child('SinkTask').warn('out')
    root.child('runtimes').info('out')
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['in', 'in'])
  })

  it('is readable on a terminal, with the stack below its line', () => {
    const shown: string[] = []
    const sink = new PinoSink(
      LogLevels.startingAt('trace'),
      readableLines((text) => void shown.push(text)),
    )
    const error = new TypeError('no such thing')
    error.stack = 'TypeError: no such thing\n    at somewhere'
    new NamedLogger('connect', sink).error('failed', { task: 'a-0', error })
    expect(shown.join('').replace(/^\d\d:\d\d:\d\d/, 'hh:mm:ss')).toBe(
      'hh:mm:ss ERROR connect  failed  task=a-0\nTypeError: no such thing\n    at somewhere\n',
    )
  })
})
