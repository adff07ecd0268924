import { describe } from 'vitest'
import { clientFaultContract } from './client-fault-contract.ts'
import { embeddedBroker } from './embedded-broker.ts'

describe('the client against the embedded broker', () => {
  clientFaultContract(embeddedBroker())
})
