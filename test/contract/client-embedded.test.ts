import { describe } from 'vitest'
import { clientContract } from './client-contract.ts'
import { embeddedBroker } from './embedded-broker.ts'

describe('the client against the embedded broker', () => {
  clientContract(embeddedBroker())
})
