import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { runKcat } from '../../support/broker/kcat-runner.ts'
import { describeWith, service } from '../../support/services.ts'
import { workerPlace, WorkerProcess, type WorkerPlace } from '../../support/worker/worker-process.ts'
import { runProgram, written } from '../../support/worker/program.ts'
import { patienceMs, untilPasses } from '../../support/until.ts'

const run = promisify(execFile)
const text = 'org.apache.kafka.connect.storage.StringConverter'
const converters = { 'key.converter': text, 'value.converter': text }

let directory = ''
let tokenFile = ''
let place: WorkerPlace
const workers: WorkerProcess[] = []

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-shared-'))
  tokenFile = join(directory, 'token')
  place = { ...(await workerPlace(join(directory, 'log'))), tokenFile }
})
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function start(settings: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
  const locks = { 'rest.token.file': tokenFile, 'embedded.broker.token.file': tokenFile }
  const worker = await WorkerProcess.start(place, { ...locks, ...settings })
  workers.push(worker)
  return worker
}

const curl = async (...args: readonly string[]): Promise<string> => {
  const { stdout } = await run('curl', ['-sS', '-w', '\n%{http_code}', ...args])
  return stdout
}
const sasl = (password: string): string[] =>
  [
    'security.protocol=SASL_PLAINTEXT',
    'sasl.mechanism=PLAIN',
    'sasl.username=penstock',
    `sasl.password=${password}`,
  ].flatMap((setting) => ['-X', setting])

describeWith(['kcat'], 'a worker with a token for REST and the embedded log', () => {
  it('runs connectors, and lets no one in without the token', async () => {
    const worker = await start()
    const token = readFileSync(tokenFile, 'utf8').trim()
    expect(statSync(tokenFile).mode & 0o777).toBe(0o600)
    const [input, output] = [join(directory, 'in.txt'), join(directory, 'out.txt')]
    writeFileSync(input, 'one\ntwo\n')
    await worker.post('in', { 'connector.class': 'FileStreamSource', file: input, topic: 'lines', ...converters })
    await worker.post('out', { 'connector.class': 'FileStreamSink', file: output, topics: 'lines', ...converters })
    await untilPasses(() => expect(readFileSync(output, 'utf8')).toBe('one\ntwo\n'))

    const connectors = `${place.rest}/connectors`
    expect(await curl(connectors)).toMatch(/^\{"error_code":401,.*\n401$/)
    expect(await curl('-H', `Authorization: Bearer ${token}x`, connectors)).toMatch(/\n401$/)
    expect(await curl('-H', `Authorization: Bearer ${token}`, connectors)).toBe('["in","out"]\n200')
    expect(await curl('-u', `any-user:${token}`, connectors)).toBe('["in","out"]\n200')
    expect(await curl('-X', 'DELETE', `${connectors}/in`)).toMatch(/\n401$/)
    expect(await curl(`${place.rest}/health`)).toMatch(/^\{"status":"healthy",.*\n200$/)

    const read = ['-b', place.broker, '-C', '-t', 'lines', '-e', '-q', '-m', '3']
    const open = await runKcat(service('kcat'), read)
    expect(open).toMatchObject({ stdout: '' })
    expect(open.code).not.toBe(0)
    expect(await runKcat(service('kcat'), [...read, ...sasl('wrong')])).toMatchObject({ stdout: '' })
    expect(await runKcat(service('kcat'), [...read, ...sasl(token)])).toMatchObject({ code: 0, stdout: 'one\ntwo\n' })

    const shown = await Promise.all(
      [
        '/',
        '/metrics',
        '/health',
        '/connectors?expand=info&expand=status',
        '/admin/loggers',
        '/connectors/in/config',
        '/nothing',
      ].map((path) => curl('-H', `Authorization: Bearer ${token}`, place.rest + path)),
    )
    const configs = await runKcat(service('kcat'), [
      '-b',
      place.broker,
      '-C',
      '-t',
      'connect-configs',
      '-e',
      '-q',
      ...sasl(token),
    ])
    expect(configs.stdout).toContain('FileStreamSink')
    expect(shown.join('') + configs.stdout + worker.output).not.toContain(token)
    expect(shown[1]).toMatch(/penstock_broker_authentication_failures_total [1-9]/)
    expect(worker.output).toContain('refused a client that did not authenticate')
    expect(worker.output).toContain('a request was refused: it carried no token (rest.token.file)')
    expect(await worker.stop()).toBe(0)
  })

  it('keeps the token over a restart, and continues with its connectors', async () => {
    const first = await start()
    const token = readFileSync(tokenFile, 'utf8')
    const [input, output] = [join(directory, 'in.txt'), join(directory, 'out.txt')]
    writeFileSync(input, 'one\n')
    await first.post('in', { 'connector.class': 'FileStreamSource', file: input, topic: 'lines', ...converters })
    await first.post('out', { 'connector.class': 'FileStreamSink', file: output, topics: 'lines', ...converters })
    await first.stop()
    await start()
    expect(readFileSync(tokenFile, 'utf8')).toBe(token)
    writeFileSync(input, 'one\ntwo\n')
    await untilPasses(() => expect(readFileSync(output, 'utf8')).toBe('one\ntwo\n'))
  })

  it.each(['rest.token.file', 'embedded.broker.token.file'])(
    'does not start when others can read the file of %s',
    async (key) => {
      writeFileSync(tokenFile, 'x'.repeat(40), { mode: 0o644 })
      const other = join(directory, 'other')
      const both = { 'rest.token.file': other, 'embedded.broker.token.file': other, [key]: tokenFile }
      await expect(WorkerProcess.start(place, both)).rejects.toThrow(
        new RegExp(`TOKEN_FILE: The file of "${key.replaceAll('.', '\\.')}".* Run: chmod 600 `),
      )
    },
  )

  it('works on a broker of its own that asks for the token, and says what is wrong without it', async () => {
    const args = [
      'broker',
      '--listen',
      place.broker,
      '--data',
      place.directory,
      '--token-file',
      tokenFile,
      '--user',
      'me',
    ]
    const broker = runProgram(
      process.execPath,
      [join(import.meta.dirname, '../../../bin/penstock.js'), ...args],
      directory,
    )
    await written(broker, /log on/, patienceMs)
    const cluster = {
      'bootstrap.servers': place.broker,
      'rest.token.file': tokenFile,
      'embedded.broker.token.file': '',
    }
    const password = readFileSync(tokenFile, 'utf8').trim()
    const login = `org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="${password}";`
    const sasl = { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': login }
    const worker = await start({ ...cluster, ...sasl })
    expect(await worker.request('GET', '/connectors')).toEqual([])
    await worker.stop()
    const wrong = { ...sasl, 'sasl.jaas.config': login.replace(password, 'wrong') }
    await expect(start({ ...cluster, ...wrong })).rejects.toThrow(
      /rejected the credentials: .*Invalid username or password/,
    )
    broker.child.kill('SIGTERM')
    expect(await broker.ended).toBe(0)
    expect(broker.output()).not.toContain(password)
  })

  it('warns when one of the two doors stays open', async () => {
    const worker = await start({ 'embedded.broker.token.file': '' })
    expect(worker.output).toContain('rest.token.file is set, embedded.broker.token.file is not')
  })
})
