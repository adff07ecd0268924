import { describe } from 'vitest'
import { embeddedBroker } from './embedded-broker.ts'
import { storageContract } from './storage-contract.ts'

describe('the stores on the embedded broker', () => {
  storageContract(embeddedBroker())
})
