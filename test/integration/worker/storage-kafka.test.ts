import { storageContract } from '../../contract/storage-contract.ts'
import { describeWith, service } from '../../support/services.ts'

describeWith(['kafka'], 'the stores on Apache Kafka', () => {
  storageContract(() => service('kafka'))
})
