import { describe } from 'vitest'
import { clientContract } from './client-contract.ts'
import { clientFaultContract } from './client-fault-contract.ts'
import { embeddedBroker } from './embedded-broker.ts'

describe('the client against the embedded broker', () => {
  const bootstrapServers = embeddedBroker()
  clientContract(bootstrapServers)
  clientFaultContract(bootstrapServers)
})
