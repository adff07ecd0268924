import { array, bool, defineApi, int16, int32, int8, string } from '../schema.ts'

/** Brokers, controller and cluster id. */
export const describeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 1],
  flexibleFrom: 0,
  request: { includeClusterAuthorizedOperations: bool(), endpointType: int8({ since: 1, default: 1 }) },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    endpointType: int8({ since: 1, default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: true, default: null }),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
})
