import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BrokerHost } from '../../../src/broker/broker-host.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { apis } from '../../support/protocol/apis.ts'
import { produceOne, textBatch } from '../../support/broker/broker-harness.ts'
import { BrokerProcess } from '../../support/broker/broker-process.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'

describe('the thread of the broker', () => {
  it('says why when it dies', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'penstock-death-'))
    const listen = { host: '127.0.0.1', port: 0 }
    const host = await BrokerHost.start({ dataDir, listen, clock: systemClock, logger: quietLogger() })
    rmSync(dataDir, { recursive: true })
    // The lock of the directory is renewed every five seconds.
    expect(String(await host.ended)).toMatch(/the data directory is gone/)
    await host.close()
  })
})

/** Ends the thread that syncs, at the first sync after the file `die` is there. */
const deadlySync = `
import fs, { existsSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { threadName } from 'node:worker_threads'
const { fdatasyncSync } = fs
fs.fdatasyncSync = (descriptor) => {
  if (existsSync(new URL('die', import.meta.url)) && threadName === 'disk-sync') process.exit(1)
  return fdatasyncSync(descriptor)
}
syncBuiltinESMExports()
`

describe('the threads that sync files', () => {
  it('end the broker when one of them dies: nothing can be acknowledged any more', async () => {
    const home = mkdtempSync(join(tmpdir(), 'penstock-sync-death-'))
    writeFileSync(join(home, 'deadly.mjs'), deadlySync)
    const nodeOptions = `--import ${join(home, 'deadly.mjs')}`
    const broker = await BrokerProcess.startIn({ nodeOptions }, join(home, 'data'))
    const client = await RawKafkaClient.connect(broker.address)
    const topics = [{ name: 'orders', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    await client.call(apis.createTopics, 5, { topics, timeoutMs: 5000, validateOnly: false })
    expect(await produceOne(client, 'orders', textBatch(['kept']))).toMatchObject({ errorCode: 0 })
    writeFileSync(join(home, 'die'), '')
    const answer = await produceOne(client, 'orders', textBatch(['lost'])).catch(() => ({ errorCode: -1 }))
    expect(answer.errorCode).not.toBe(0)
    expect(await broker.ended).toMatchObject({
      code: 70,
      stderr: expect.stringMatching(/thread that syncs files has ended/),
    })
    await client.close()
    rmSync(home, { recursive: true })
  })
})
