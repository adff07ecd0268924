import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import { systemClock } from '../../src/foundation/clock.ts'
import { quietLogger } from '../support/quiet-logger.ts'

/** A broker of our own for one suite, started on the first call, stopped and forgotten at the end. */
export function embeddedBroker(): () => Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-broker-'))
  let starting: Promise<Broker> | null = null

  afterAll(async () => {
    await (await starting)?.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  return async () => {
    const listen = { host: '127.0.0.1', port: 0 }
    starting ??= Broker.start({ dataDir, listen, clock: systemClock, logger: quietLogger() })
    const { address } = await starting
    return `${address.host}:${address.port}`
  }
}
