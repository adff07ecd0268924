import type { SchemaVersion } from '../../registry/state/registry-schema.ts'
import type { SchemaRegistry } from '../../registry/schema-registry.ts'
import type { RegistryRequest } from './registry-request.ts'

import { contextOf } from '../../registry/state/qualified-subject.ts'
import { schemaJson, versionJson } from './registry-response.ts'
import { RawText, type RegistryOperation } from './registry-route.ts'

const ofId = ['subject', 'deleted', 'offset', 'limit']

/** Schemas by their ids, and the check of compatibility. */
export const schemaOperations: readonly RegistryOperation[] = [
  {
    operationId: 'listSchemas',
    method: 'GET',
    path: '/schemas',
    role: 'read',
    query: ['subjectPrefix', 'deleted', 'latestOnly', 'offset', 'limit'],
    async handle(request, registry) {
      const options = { deleted: request.flag('deleted'), latestOnly: request.flag('latestOnly') }
      const versions = registry.schemas(request.text('subjectPrefix'), options)
      return request.page(versions).map((version) => versionJson(version, version.schema))
    },
  },
  {
    operationId: 'listSchemaTypes',
    method: 'GET',
    path: '/schemas/types',
    role: 'read',
    async handle(_request, registry) {
      return [...registry.types]
    },
  },
  {
    operationId: 'getSchema',
    method: 'GET',
    path: '/schemas/ids/{id}',
    role: 'read',
    query: ['subject', 'format', 'fetchMaxId'],
    async handle(request, registry) {
      const subject = request.subjectOfQuery
      const [version] = await registry.versionsOfId(request.id, subject)
      const schema = registry.formatted(version, request.text('format'))
      const maxId = request.flag('fetchMaxId') ? { maxId: registry.maxIdBeside(version) } : {}
      return schemaJson(version, { schema, named: subject !== null, ...maxId })
    },
  },
  {
    operationId: 'getSchemaText',
    method: 'GET',
    path: '/schemas/ids/{id}/schema',
    role: 'read',
    query: ['subject', 'format'],
    async handle(request, registry) {
      const [version] = await registry.versionsOfId(request.id, request.subjectOfQuery)
      return new RawText(registry.formatted(version, request.text('format')))
    },
  },
  {
    operationId: 'listSubjectsOfSchema',
    method: 'GET',
    path: '/schemas/ids/{id}/subjects',
    role: 'read',
    query: ofId,
    async handle(request, registry) {
      const subjects = (await versionsOf(request, registry)).map(({ subject }) => subject)
      return [...request.page([...new Set(subjects)])]
    },
  },
  {
    operationId: 'listVersionsOfSchema',
    method: 'GET',
    path: '/schemas/ids/{id}/versions',
    role: 'read',
    query: ofId,
    async handle(request, registry) {
      const versions = await versionsOf(request, registry)
      return request.page(versions.map(({ subject, version }) => ({ subject, version })))
    },
  },
  {
    operationId: 'getSchemaByGuid',
    method: 'GET',
    path: '/schemas/guids/{guid}',
    role: 'read',
    query: ['format'],
    async handle(request, registry) {
      const [version] = await registry.versionsOfGuid(request.part('guid'))
      return schemaJson(version, { schema: registry.formatted(version, request.text('format')), named: false })
    },
  },
  {
    operationId: 'listIdsOfGuid',
    method: 'GET',
    path: '/schemas/guids/{guid}/ids',
    role: 'read',
    async handle(request, registry) {
      const versions = await registry.versionsOfGuid(request.part('guid'))
      return versions.map(({ subject, id }) => ({ context: contextOf(subject), id }))
    },
  },
  compatibilityCheck('checkCompatibility', '/compatibility/subjects/{subject}/versions', () => 'all'),
  compatibilityCheck(
    'checkCompatibilityWithVersion',
    '/compatibility/subjects/{subject}/versions/{version}',
    ({ version }) => version,
  ),
]

async function versionsOf(request: RegistryRequest, registry: SchemaRegistry): Promise<readonly SchemaVersion[]> {
  const versions = await registry.versionsOfId(request.id, request.subjectOfQuery)
  return versions.filter(({ deleted }) => !deleted || request.flag('deleted'))
}

function compatibilityCheck(
  operationId: string,
  path: string,
  comparedWith: (request: RegistryRequest) => number | null | 'all',
): RegistryOperation {
  return {
    operationId,
    method: 'POST',
    path,
    role: 'read',
    query: ['normalize', 'verbose'],
    reads: true,
    async handle(request, registry) {
      const { content } = request.schema()
      const asked = { subject: request.subject, content, normalize: request.flag('normalize') }
      const messages = await registry.problemsOf(asked, comparedWith(request))
      const result = { is_compatible: messages.length === 0 }
      return request.flag('verbose') && messages.length > 0 ? { ...result, messages: [...messages] } : result
    },
  }
}
