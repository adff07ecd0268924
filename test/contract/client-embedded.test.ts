import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import { systemClock } from '../../src/foundation/clock.ts'
import { quietLogger } from '../support/quiet-logger.ts'
import { clientContract } from './client-contract.ts'
import { clientFaultContract } from './client-fault-contract.ts'

describe('the client against the embedded broker', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-client-'))
  let starting: Promise<Broker> | null = null

  async function bootstrapServers(): Promise<string> {
    starting ??= Broker.start({
      dataDir,
      listen: { host: '127.0.0.1', port: 0 },
      clock: systemClock,
      logger: quietLogger(),
    })
    const { address } = await starting
    return `${address.host}:${address.port}`
  }

  afterAll(async () => {
    await (await starting)?.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  clientContract(bootstrapServers)
  clientFaultContract(bootstrapServers)
})
