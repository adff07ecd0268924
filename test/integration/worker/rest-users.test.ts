import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { tokenHash } from '../../../src/foundation/network/token-hash.ts'
import { PasswordHash } from '../../../src/foundation/network/password-hash.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { runProgram } from '../../support/worker/program.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import { workerPlace, type WorkerProcess } from '../../support/worker/worker-process.ts'
import { untilPasses } from '../../support/until.ts'
import { basic } from '../../support/rest/basic-authorization.ts'

const workers = testWorkers()
const adminToken = 'token-of-the-user-that-changes-connectors---'
const readToken = 'token-of-the-user-that-only-reads-connectors'
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
const token = (name: string, role: string, text: string): string =>
  `${name}.role=${role}\n${name}.token=${tokenHash(text)}\n`

function writeUsers(text: string, name = 'users.properties'): string {
  const path = join(workers.directory, name)
  writeFileSync(`${path}.part`, text, { mode: 0o600 })
  renameSync(`${path}.part`, path)
  return path
}

interface ConnectorStatus {
  readonly connector: { readonly worker_id: string }
  readonly tasks: readonly { readonly state: string }[]
}

function auditLines(worker: WorkerProcess): readonly unknown[] {
  const lines = worker.output.split('\n').filter((line) => line.includes('"logger":"connect.audit"'))
  return lines.map((line) => JSON.parse(line) as unknown)
}

/** A worker whose users are in `path`. The client of the test is one of them. */
async function startWith(path: string, settings: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
  const tokenFile = join(workers.directory, 'admin.token')
  writeFileSync(tokenFile, adminToken)
  const place = { ...(await workerPlace(join(workers.directory, 'data'))), tokenFile }
  return await workers.startAt(place, { 'rest.users.file': path, ...settings })
}

it('a worker knows its users, and follows the changes of their file', async () => {
  const hash = String(await PasswordHash.of('correct horse'))
  const alice = `alice.role=operate\nalice.password=${hash}\nalice.connectors=orders-*\n`
  const admin = token('admin', 'admin', adminToken)
  const path = writeUsers(admin + alice)
  const worker = await startWith(path)
  const rest = new RestClient(worker.place.rest)
  await worker.post('orders-in', { 'connector.class': 'FileStreamSource', file: '/nothing', topic: 'lines' })

  const pause = async (connector: string): Promise<number> =>
    (await rest.send('PUT', `/connectors/${connector}/pause`, null, basic('alice', 'correct horse'))).status
  expect(await pause('orders-in')).toBe(202)
  expect(await pause('other')).toBe(403)
  expect((await rest.send('DELETE', '/connectors/orders-in', null, basic('alice', 'correct horse'))).status).toBe(403)
  expect((await rest.get('/connectors', basic('alice', 'wrong'))).status).toBe(401)
  expect(auditLines(worker)).toMatchObject([
    { operation: 'createConnector', connector: 'orders-in', user: 'admin', proof: 'user token', status: 201 },
    { operation: 'pauseConnector', connector: 'orders-in', user: 'alice', proof: 'password', result: 'done' },
    { operation: 'pauseConnector', connector: 'other', user: 'alice', result: 'refused', status: 403 },
    { operation: 'deleteConnector', connector: 'orders-in', user: 'alice', result: 'refused' },
    { operation: 'login', user: 'alice', remote: '127.0.0.1', level: 'warn', status: 401 },
  ])
  expect((await rest.get('/connectors')).status).toBe(401)
  expect(await rest.get('/health')).toMatchObject({ status: 200 })

  writeUsers(admin + token('reader', 'read', readToken))
  await untilPasses(() => expect(worker.output).toContain('rest.users.file has changed: it has 2 users'))
  expect((await rest.get('/', bearer(readToken))).status).toBe(200)
  expect((await rest.get('/connectors', basic('alice', 'correct horse'))).status).toBe(401)

  writeUsers('admin.role=reed\n')
  await untilPasses(async () => {
    expect((await rest.get('/health', bearer(readToken))).body).toMatch(/REST_USERS_FILE: .*has the role \\"reed\\"/)
  })
  expect((await rest.get('/metrics', bearer(readToken))).body).toContain(
    'penstock_worker_condition{code="REST_USERS_FILE"} 1',
  )
  expect((await rest.get('/health')).body).not.toContain('REST_USERS_FILE')
  writeUsers(admin)
  await untilPasses(() => expect(worker.output).toContain('rest.users.file has changed: it has 1 users'))
  expect((await rest.get('/', bearer(readToken))).status).toBe(401)
  expect((await rest.get('/health', bearer(adminToken))).body).not.toContain('REST_USERS_FILE')
  expect((await rest.get('/metrics', bearer(adminToken))).body).not.toContain('code="REST_USERS_FILE"')
  expect(worker.output).not.toMatch(/correct horse|wrong"|-connectors-/)
  expect(await worker.stop()).toBe(0)
})

it('a worker does not start with a file of users that is wrong', async () => {
  const path = writeUsers('alice.role=admin\nalice.password=secret')
  await expect(startWith(path)).rejects.toThrow(
    /REST_USERS_FILE: The file of "rest.users.file", .* cannot be used. User "alice": the password is not a hash/,
  )
  await expect(startWith(join(workers.directory, 'nothing'))).rejects.toThrow(
    /REST_USERS_FILE: .* cannot be read: ENOENT/,
  )
})

it('workers of a group share their users, and say so where they do not', async () => {
  const admin = token('admin', 'admin', adminToken)
  const group = { 'group.id': 'users' }
  const leader = await startWith(writeUsers(admin), group)
  const cluster = { ...group, 'bootstrap.servers': leader.place.broker }
  const path = writeUsers(admin + token('other', 'admin', readToken), 'more.properties')
  const follower = await startWith(path, cluster)
  for (const name of ['in', 'in-2'])
    await follower.post(name, { 'connector.class': 'FileStreamSource', file: '/nothing', topic: 'lines' })
  // The owner of a connector has no user: it signs the task configs that it sends to the leader.
  await untilPasses(async () => {
    const all = (await leader.request('GET', '/connectors?expand=status')) as Record<
      string,
      { status: ConnectorStatus }
    >
    const statuses = Object.values(all).map(({ status }) => status)
    expect(statuses.map(({ tasks }) => tasks.map(({ state }) => state))).toEqual([['RUNNING'], ['RUNNING']])
    expect(new Set(statuses.map(({ connector }) => connector.worker_id)).size).toBe(2)
  })
  expect(auditLines(leader)).toContainEqual(
    expect.objectContaining({ operation: 'putTaskConfigs', proof: 'signature', user: null, result: 'done' }),
  )
  const refused = await new RestClient(follower.place.rest).send('DELETE', '/connectors/in', null, bearer(readToken))
  expect(refused).toMatchObject({
    status: 500,
    json: { message: expect.stringMatching(/^The worker at http:.* refused this user.*rest.users.file names$/) },
  })
  writeUsers(readFileSync(path, 'utf8'))
  await untilPasses(() => expect(leader.output).toContain('rest.users.file has changed: it has 2 users'))
  const removed = await new RestClient(follower.place.rest).send('DELETE', '/connectors/in', null, bearer(readToken))
  expect(removed.status).toBe(204)
})

it.each([
  [['hash-password'], 'a password\n', /^\$scrypt\$ln=14,r=8,p=5\$[^$]{22}\$[^$]{43}\n$/],
  [['hash-password', '--token'], `${adminToken}\n`, /^\$sha256\$[^$]{43}\n$/],
  [['hash-password', '--token'], 'short\n', /^penstock: A token has 32 to 1024 printable characters/],
  [['hash-password', '--tokn'], '', /--tokn/],
  [['hash-password', '--help'], '', /^penstock hash-password \[--token\]\n/],
])('penstock %j hashes what is on standard input', async (args, input, output) => {
  const command = `printf %s "$1" | "$2" "$3" "\${@:4}"`
  const launcher = join(import.meta.dirname, '../../../bin/penstock.js')
  const shell = ['-c', command, 'bash', input, process.execPath, launcher, ...args]
  const program = runProgram('bash', shell, workers.directory)
  await program.ended
  expect(program.output()).toMatch(output)
})
