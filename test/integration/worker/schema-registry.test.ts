import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { PasswordHash } from '../../../src/foundation/network/password-hash.ts'
import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { recordOf } from '../../support/registry/test-registry.ts'
import { basic } from '../../support/rest/basic-authorization.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import { workerPlace, type WorkerProcess } from '../../support/worker/worker-process.ts'
import { describeWith } from '../../support/services.ts'

/** Sends a request to the registry of a worker. */
async function send(worker: WorkerProcess, method: string, path: string, body: unknown, headers: object = {}) {
  const response = await fetch(`${worker.place.rest}${registryPrefix}${path}`, {
    method,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json', ...headers },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

function submitted(name: string): { readonly schema: string } {
  return { schema: JSON.stringify(recordOf(name, 'a:int')) }
}

describeWith([], 'the schema registry of a worker', () => {
  const workers = testWorkers()

  it('loses nothing that it has acknowledged when the worker is killed while it registers', async () => {
    const place = await workerPlace(join(workers.directory, 'data'))
    const acknowledged = new Map<number, string>()
    for (let life = 0; life < 2; life += 1) {
      const worker = await workers.startAt(place)
      for (const [id, schema] of acknowledged)
        expect((await send(worker, 'GET', `/schemas/ids/${id}`, null)).body['schema']).toBe(schema)
      let number = 0
      const register = async (): Promise<void> => {
        for (;;) {
          number += 1
          const schema = submitted(`Life${life}Number${number}`)
          const { status, body } = await send(
            worker,
            'POST',
            `/subjects/s${number % 7}-${life}-${number}/versions`,
            schema,
          )
          if (status !== 200) throw new RangeError(JSON.stringify(body))
          expect(acknowledged.has(Number(body['id']))).toBe(false)
          acknowledged.set(Number(body['id']), schema.schema)
          if (acknowledged.size >= (life + 1) * 30) await worker.kill()
        }
      }
      // Each ends when the worker is killed in the middle of its request.
      const ends = await Promise.allSettled([register(), register(), register(), register()])
      expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected'])
    }
    const worker = await workers.startAt(place)
    for (const [id, schema] of acknowledged)
      expect((await send(worker, 'GET', `/schemas/ids/${id}`, null)).body['schema']).toBe(schema)
    expect(await worker.stop()).toBe(0)
  })

  it('lets users with the role read look up and check, and those with operate register', async () => {
    const file = join(workers.directory, 'users.properties')
    const hash = String(await PasswordHash.of('secret'))
    writeFileSync(
      file,
      `reader.role=read\nreader.password=${hash}\noperator.role=operate\noperator.password=${hash}\n`,
      { mode: 0o600 },
    )
    const tokenFile = join(workers.directory, 'token')
    const place = { ...(await workerPlace(join(workers.directory, 'data'))), tokenFile }
    const worker = await workers.startAt(place, { 'rest.users.file': file, 'rest.token.file': tokenFile })
    const as = (user: string): object => basic(user, 'secret')
    const path = '/subjects/orders-value/versions'
    expect((await send(worker, 'POST', path, submitted('Order'))).status).toBe(401)
    expect((await send(worker, 'POST', path, submitted('Order'), as('reader'))).status).toBe(403)
    expect((await send(worker, 'POST', path, submitted('Order'), as('operator'))).status).toBe(200)
    expect((await send(worker, 'POST', '/subjects/orders-value', submitted('Order'), as('reader'))).status).toBe(200)
    expect((await send(worker, 'POST', `/compatibility${path}`, submitted('Order'), as('reader'))).status).toBe(200)
    expect((await send(worker, 'PUT', '/config', { compatibility: 'NONE' }, as('reader'))).status).toBe(403)
    expect((await send(worker, 'DELETE', '/subjects/orders-value', null, as('reader'))).status).toBe(403)
    const changes = worker.output.split('\n').filter((line) => line.includes('"connect.audit"'))
    expect(changes.filter((line) => line.includes('registerSchema'))).not.toEqual([])
    expect(changes.filter((line) => line.includes('lookUpSchema'))).toEqual([])
  })

  it('is not there when it is switched off', async () => {
    const worker = await workers.start({ 'schema.registry.enable': 'false' })
    expect((await send(worker, 'GET', '/subjects', null)).status).toBe(404)
  })
})
