import type { RegistryContext, Route } from '../route.ts'

import { registryRoute, type RegistryOperation } from './registry-route.ts'
import { schemaOperations } from './schema-operations.ts'
import { settingOperations } from './setting-operations.ts'
import { subjectOperations } from './subject-operations.ts'

/** What the registry is, for clients that ask whether it is there. */
const ownOperations: readonly RegistryOperation[] = [
  {
    operationId: 'getRegistry',
    method: 'GET',
    path: '',
    role: 'read',
    async handle() {
      return {}
    },
  },
  {
    operationId: 'getRegistryId',
    method: 'GET',
    path: '/v1/metadata/id',
    role: 'read',
    async handle(_request, { clusterId }) {
      const clusters = { 'kafka-cluster': clusterId, 'schema-registry-cluster': 'schema-registry' }
      return { id: '', scope: { path: [], clusters } }
    },
  },
  {
    operationId: 'getRegistryVersion',
    method: 'GET',
    path: '/v1/metadata/version',
    role: 'read',
    async handle() {
      // The version of Confluent's API that this one has the responses of.
      return { version: '8.0.0', commitId: 'penstock' }
    },
  },
]

/** Every operation of the schema registry (`schema.registry.enable`). */
export const registryRoutes: readonly Route<RegistryContext>[] = [
  ...ownOperations,
  ...subjectOperations,
  ...schemaOperations,
  ...settingOperations,
].map(registryRoute)
