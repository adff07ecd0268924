import { writeFileSync } from 'node:fs'
import { Session, type Profiler } from 'node:inspector'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll, expect } from 'vitest'

import { recordingName } from './recording-name.ts'

/**
 * A setup file of vitest: writes which code of the product each test file runs in its own thread, and how long it takes.
 * Node strips types in place, so that V8's offsets are those of the source.
 */
const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
performance.mark('test file')

afterAll(() => {
  const root = process.cwd()
  const test = relative(root, expect.getState().testPath ?? '')
  const durationMs = Math.round(performance.measure('test file', 'test file').duration)
  session.post(
    'Profiler.takePreciseCoverage',
    (error, coverage: Profiler.TakePreciseCoverageReturnType | undefined) => {
      if (error !== null || coverage === undefined) throw new TypeError(`no coverage of ${test}`, { cause: error })
      const scripts = coverage.result.flatMap(({ url, functions }) => {
        if (!url.startsWith('file:')) return []
        const path = relative(root, fileURLToPath(url))
        return /^(src|connectors|plugins)\//.test(path) ? [{ path, functions }] : []
      })
      const path = join(process.env['MUTATION_RECORD'] ?? '.', recordingName(test))
      writeFileSync(path, JSON.stringify({ test, durationMs, scripts }))
    },
  )
})
