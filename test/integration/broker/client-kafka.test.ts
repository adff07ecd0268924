import { clientContract } from '../../contract/client-contract.ts'
import { clientFaultContract } from '../../contract/client-fault-contract.ts'
import { describeWith, service } from '../../support/services.ts'

describeWith(['kafka'], 'the client against Apache Kafka', () => {
  clientContract(() => service('kafka'))
  clientFaultContract(() => service('kafka'))
})
