import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

import { testWorkers } from '../../support/worker/test-workers.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'

const curl = promisify(execFile)
const ui = 'http://ui.example:3000'
const preflight = ['-X', 'OPTIONS', '-H', 'Access-Control-Request-Method: PUT']

/** The head of the response that curl gets, in lower case. */
async function headOf(worker: WorkerProcess, origin: string, args: readonly string[] = []): Promise<string> {
  const { stdout } = await curl('curl', [
    '-s',
    '-i',
    '-H',
    `Origin: ${origin}`,
    ...args,
    `${worker.place.rest}/connectors/x/config`,
  ])
  return stdout.slice(0, stdout.indexOf('\r\n\r\n')).toLowerCase()
}

describe('access.control.allow.origin', () => {
  const workers = testWorkers()

  it('lets pages of the listed origins call a worker, and no others', async () => {
    const worker = await workers.start({
      'access.control.allow.origin': `${ui},https://other.example`,
      'access.control.allow.methods': 'GET,PUT,DELETE',
    })
    const allowed = await headOf(worker, ui)
    expect(allowed).toMatch(/^http\/1\.1 404/)
    expect(allowed).toContain(`access-control-allow-origin: ${ui}\r\n`)
    const asked = await headOf(worker, ui, preflight)
    expect(asked).toMatch(/^http\/1\.1 200/)
    expect(asked).toContain('access-control-allow-methods: get,put,delete\r\n')
    const refused = await headOf(worker, 'http://evil.example', preflight)
    expect(refused).toMatch(/^http\/1\.1 403/)
    expect(refused).not.toContain('access-control')
    expect(worker.output).not.toContain('access.control')
    await worker.stop()
  })

  it('allows all origins with an asterisk, and warns of it', async () => {
    const worker = await workers.start({ 'access.control.allow.origin': '*' })
    expect(await headOf(worker, 'http://evil.example')).toContain(
      'access-control-allow-origin: http://evil.example\r\n',
    )
    expect(await headOf(worker, ui, preflight)).not.toContain('access-control')
    expect(worker.output).toContain('\\"access.control.allow.origin\\" allows all origins')
    await worker.stop()
  })

  it('allows none by default', async () => {
    const worker = await workers.start()
    expect(await headOf(worker, ui)).toMatch(/^http\/1\.1 403/)
    expect(await headOf(worker, ui, preflight)).toMatch(/^http\/1\.1 403/)
  })
})
