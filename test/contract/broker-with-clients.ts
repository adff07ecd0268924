import { afterAll, beforeAll } from 'vitest'

import { present } from '../../src/foundation/assert.ts'
import { BrokerHarness } from '../support/broker/broker-harness.ts'
import { ClientHarness } from './client-harness.ts'

/** What the tests of a file share: a broker, and clients of it. */
export interface BrokerWithClients {
  readonly broker: BrokerHarness
  readonly clients: ClientHarness
}

/** Starts them before the tests of a file, and closes them after those. */
export function brokerWithClients(): BrokerWithClients {
  let started: BrokerWithClients | null = null
  beforeAll(async () => {
    const broker = await BrokerHarness.start()
    started = { broker, clients: new ClientHarness(broker.bootstrap) }
  })
  afterAll(async () => {
    await started?.clients.close()
    await started?.broker.close()
  })
  return {
    get broker() {
      return present(started, 'the broker of the file').broker
    },
    get clients() {
      return present(started, 'the clients of the file').clients
    },
  }
}
