import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BrokerHost } from '../../../src/broker/broker-host.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { quietLogger } from '../../support/quiet-logger.ts'

describe('the thread of the broker', () => {
  it('says why when it dies', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'penstock-death-'))
    const listen = { host: '127.0.0.1', port: 0 }
    const host = await BrokerHost.start({ dataDir, listen, clock: systemClock, logger: quietLogger() })
    rmSync(dataDir, { recursive: true })
    // The lock of the folder is renewed every five seconds.
    expect(String(await host.ended)).toMatch(/the data folder is gone/)
    await host.close()
  })
})
