import { errorCodes } from '../../protocol/error-codes.ts'
import { describeCluster } from '../../protocol/messages/describe-cluster.ts'
import { authorizedOperations, operationsNotAsked } from '../requests/authorized-operations.ts'
import type { BrokerState } from '../broker-state.ts'
import { register } from '../requests/register.ts'

/* DescribeCluster (60), versions 0 and 1: one broker, which is its own controller. There are no controller endpoints. */

const brokerEndpoints = 1

/** Serves DescribeCluster. */
export const describeClusterRegistration = register(
  describeCluster,
  (state: BrokerState) =>
    ({ endpointType, includeClusterAuthorizedOperations }, { apiVersion }) => {
      const { nodeId, host, port } = state.node()
      if (apiVersion >= 1 && endpointType !== brokerEndpoints) {
        const errorMessage = `Endpoints of type ${endpointType} are not served.`
        return {
          errorCode: errorCodes.INVALID_REQUEST,
          errorMessage,
          endpointType,
          clusterId: state.topics.clusterId,
          brokers: [],
        }
      }
      return {
        errorCode: errorCodes.NONE,
        clusterId: state.topics.clusterId,
        controllerId: nodeId,
        brokers: [{ brokerId: nodeId, host, port }],
        clusterAuthorizedOperations: includeClusterAuthorizedOperations
          ? authorizedOperations.cluster
          : operationsNotAsked,
      }
    },
)
