import { expect, it } from 'vitest'

import { RedactedSink } from '../../../../src/config/providers/redacted-sink.ts'
import { Redaction } from '../../../../src/config/providers/redaction.ts'
import { LogLevels } from '../../../../src/foundation/logging/log-levels.ts'

it('the lines of the main thread have references for the secrets of the worker (I8)', () => {
  const lines: unknown[] = []
  const redaction = new Redaction()
  const sink = new RedactedSink({ write: (...line) => lines.push(line) }, LogLevels.startingAt('info'), redaction)
  redaction.add([{ reference: '${env:P}', value: 'S3cret!x' }])
  sink.write('info', 'a', 'with S3cret!x', { error: new TypeError('of S3cret!x'), n: 1, deep: ['S3cret!x'] })
  sink.write('debug', 'a', 'not at this level', undefined)
  expect(lines).toEqual([
    [
      'info',
      'a',
      'with ${env:P}',
      { error: expect.stringMatching(/^TypeError: of \$\{env:P\}\n/), n: 1, deep: ['${env:P}'] },
    ],
  ])
})
