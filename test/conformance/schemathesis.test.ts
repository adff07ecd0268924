import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { pythonWith } from '../support/python-environment.ts'
import { workerPlace, WorkerProcess } from '../support/worker/worker-process.ts'

const version = '4.32.5'
const here = fileURLToPath(new URL('.', import.meta.url))
const contract = fileURLToPath(new URL('../../openapi.yaml', import.meta.url))
const checks = [
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'allow_header_conformance',
  'documented_server_error',
]
/** A request that takes longer counts as one that hangs. Seconds: a request for a leader may wait for 15. */
const hangs = 60
const examples = process.env['SCHEMATHESIS_EXAMPLES'] ?? '15'

describe('schemathesis', () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-schemathesis-'))
  let worker: WorkerProcess
  let interpreter: string

  beforeAll(async () => {
    interpreter = await pythonWith('schemathesis', version)
    worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')), { 'rest.docs.enable': 'true' })
    const input = join(directory, 'in.txt')
    writeFileSync(input, 'one\ntwo\n')
    const source = { 'connector.class': 'FileStreamSource', topic: 'lines', file: input }
    await worker.post('src', source)
    await worker.post('snk', { 'connector.class': 'FileStreamSink', topics: 'lines', file: join(directory, 'out.txt') })
    await worker.request('POST', '/connectors', { name: 'off', config: source, initial_state: 'STOPPED' })
  })
  afterAll(async () => {
    await worker?.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  it('finds no response that openapi.yaml does not describe, and no request that hangs', async () => {
    const program = 'from schemathesis.cli import schemathesis; schemathesis()'
    const options = [
      ['--url', worker.place.rest],
      ['--checks', checks.join()],
      ['--phases', 'examples,coverage,fuzzing'],
      ['--max-examples', examples],
      ['--seed', '1'],
      ['--request-timeout', String(hangs)],
      ['--warnings', 'off'],
    ].flat()
    const child = spawn(
      interpreter,
      ['-c', program, '--no-color', 'run', contract, ...options, '--continue-on-failure', '--no-shrink'],
      {
        cwd: directory,
        env: {
          ...process.env,
          PYTHONPATH: here,
          SCHEMATHESIS_HOOKS: 'schemathesis_checks',
          PYTHONDONTWRITEBYTECODE: '1',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    const from = output.search(/^=+ (FAILURES|ERRORS|SUMMARY) =+$/m)
    const summary = output.slice(from).replaceAll(worker.place.rest, '<worker>')
    writeFileSync(
      new URL('results/schemathesis.txt', import.meta.url),
      `schemathesis ${version}, ${examples} examples\n\n${summary.trimEnd()}\n`,
    )
    expect(code, output).toBe(0)
    expect(worker.ended).toBe(false)
    expect(await worker.request('GET', '/health')).toMatchObject({ status: 'healthy' })
  })
})
