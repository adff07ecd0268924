import type { DeletedFilter } from '../../registry/schema-registry.ts'
import type { RegistryRequest } from './registry-request.ts'

import { registeredJson, versionJson } from './registry-response.ts'
import { RawText, type RegistryOperation } from './registry-route.ts'

/** The name of the parameter, and what Confluent's client for Python calls it. */
const deletedOnly = ['deletedOnly', 'deleted_only'] as const

/** Subjects and their versions. */
export const subjectOperations: readonly RegistryOperation[] = [
  {
    operationId: 'listSubjects',
    method: 'GET',
    path: '/subjects',
    role: 'read',
    query: ['subjectPrefix', 'deleted', ...deletedOnly, 'offset', 'limit'],
    async handle(request, registry) {
      return [...request.page(registry.subjects(request.text('subjectPrefix'), filterOf(request)))]
    },
  },
  {
    operationId: 'lookUpSchema',
    method: 'POST',
    path: '/subjects/{subject}',
    role: 'read',
    query: ['normalize', 'deleted', 'format'],
    reads: true,
    async handle(request, registry) {
      const { content } = request.schema()
      const asked = { subject: request.subject, content, normalize: request.flag('normalize') }
      const version = await registry.lookUp(asked, request.flag('deleted'))
      return versionJson(version, registry.formatted(version, request.text('format')))
    },
  },
  {
    operationId: 'deleteSubject',
    method: 'DELETE',
    path: '/subjects/{subject}',
    role: 'operate',
    query: ['permanent'],
    async handle(request, registry) {
      return [...(await registry.deleteSubject(request.subject, request.flag('permanent')))]
    },
  },
  {
    operationId: 'getLatestWithMetadata',
    method: 'GET',
    path: '/subjects/{subject}/metadata',
    role: 'read',
    query: ['key', 'value', 'deleted', 'format'],
    async handle(request, registry) {
      const values = request.texts('value')
      const pairs = request
        .texts('key')
        .flatMap((key, at) => (values[at] === undefined ? [] : [[key, values[at]] as const]))
      const options = { properties: Object.fromEntries(pairs), deleted: request.flag('deleted') }
      const version = await registry.latestWithMetadata(request.subject, options)
      return versionJson(version, registry.formatted(version, request.text('format')))
    },
  },
  {
    operationId: 'listVersions',
    method: 'GET',
    path: '/subjects/{subject}/versions',
    role: 'read',
    query: ['deleted', ...deletedOnly, 'deletedAsNegative', 'offset', 'limit'],
    async handle(request, registry) {
      const asNegative = request.flag('deletedAsNegative')
      const versions = await registry.versions(request.subject, asNegative ? 'with' : filterOf(request))
      const numbers = versions.map(({ version, deleted }) => (asNegative && deleted ? -version : version))
      return [...request.page(numbers)]
    },
  },
  {
    operationId: 'registerSchema',
    method: 'POST',
    path: '/subjects/{subject}/versions',
    role: 'operate',
    query: ['normalize', 'format', 'force'],
    async handle(request, registry) {
      const submitted = request.schema()
      const flags = { normalize: request.flag('normalize'), force: request.flag('force') }
      const version = await registry.register({ subject: request.newSubject, ...submitted, ...flags })
      return registeredJson(version, registry.formatted(version, request.text('format')))
    },
  },
  {
    operationId: 'getVersion',
    method: 'GET',
    path: '/subjects/{subject}/versions/{version}',
    role: 'read',
    query: ['deleted', 'format'],
    async handle(request, registry) {
      const version = await registry.version(request.subject, request.version, request.flag('deleted'))
      return versionJson(version, registry.formatted(version, request.text('format')))
    },
  },
  {
    operationId: 'getSchemaOfVersion',
    method: 'GET',
    path: '/subjects/{subject}/versions/{version}/schema',
    role: 'read',
    query: ['deleted', 'format'],
    async handle(request, registry) {
      const version = await registry.version(request.subject, request.version, request.flag('deleted'))
      return new RawText(registry.formatted(version, request.text('format')))
    },
  },
  {
    operationId: 'listReferrers',
    method: 'GET',
    path: '/subjects/{subject}/versions/{version}/referencedby',
    role: 'read',
    query: ['deleted', 'offset', 'limit'],
    async handle(request, registry) {
      const ids = await registry.referrers(request.subject, request.version, request.flag('deleted'))
      return [...request.page(ids)]
    },
  },
  {
    operationId: 'deleteVersion',
    method: 'DELETE',
    path: '/subjects/{subject}/versions/{version}',
    role: 'operate',
    query: ['permanent'],
    async handle(request, registry) {
      return await registry.deleteVersion(request.subject, request.version, request.flag('permanent'))
    },
  },
]

/** `deletedOnly` takes precedence over `deleted`. */
function filterOf(request: RegistryRequest): DeletedFilter {
  if (deletedOnly.some((name) => request.flag(name))) return 'only'
  return request.flag('deleted') ? 'with' : 'without'
}
