import type { ConnectValue } from '../../api/schema.ts'
import type { SchemaRegistry } from '../../registry/schema-registry.ts'
import type { Role } from '../../config/worker/rest/rest-users.ts'
import type { Method, RegistryContext, RestRequest, RestResponse, Route } from '../route.ts'

import { registryErrors } from '../../registry/registry-error.ts'
import { httpError } from '../rest-error.ts'
import { quick } from '../route.ts'
import { responseTypeOf } from './registry-media.ts'
import { RegistryRequest } from './registry-request.ts'

/** Where the REST API serves the schema registry: `http://host:8083/schema-registry` is the URL for its clients. */
export const registryPrefix = '/schema-registry'

/** One operation of the registry. */
export interface RegistryOperation {
  readonly operationId: string
  readonly method: Method
  /** Below {@link registryPrefix}. */
  readonly path: string
  readonly role: Role
  /** The parameters of the query that it has. */
  readonly query?: readonly string[]
  /** Whether a POST only reads. */
  readonly reads?: boolean
  /** Returns the response's JSON, or its text; null: none. */
  handle(request: RegistryRequest, registry: SchemaRegistry): Promise<ConnectValue | RawText>
}

/** A body that is no JSON of this server's, but the text of a schema. */
export class RawText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Parameters of Confluent's registry that this one does not have. */
const unsupportedParameters: Readonly<Record<string, string>> = {
  findTags: 'tags in schemas are not supported',
  ruleType: 'rule sets are not supported',
  aliases: 'aliases of subjects are not supported',
  resourceType: 'associations are not supported',
  associationType: 'associations are not supported',
  lifecycle: 'associations are not supported',
}

/** The operation as one of the REST API. */
export function registryRoute(operation: RegistryOperation): Route<RegistryContext> {
  const { operationId, method, path, role, query = [], reads } = operation
  return {
    operationId,
    method,
    path: `${registryPrefix}${path}`,
    needs: { role, of: 'worker' },
    ...(method === 'GET' || reads === true ? { isQuick: quick } : {}),
    ...(reads === true ? { onlyReads: true } : {}),
    speaks: 'registry',
    async handle(request: RestRequest, context: RegistryContext): Promise<RestResponse> {
      checkQuery(request.query, query)
      if (context.registry === undefined) throw httpError(404)
      const result = await operation.handle(new RegistryRequest(request), await context.registry())
      if (result === null) return { status: 204 }
      const headers = { 'Content-Type': responseTypeOf(request.headers.accept) }
      return result instanceof RawText
        ? { status: 200, text: result.text, headers }
        : { status: 200, json: result, headers }
    },
  }
}

/** @throws RegistryError 422 for a parameter that the operation does not have: the request expects something else */
function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    // Of a request between workers.
    if (known.includes(name) || name === 'forward') continue
    const reason = Object.hasOwn(unsupportedParameters, name) ? unsupportedParameters[name] : undefined
    const has = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`
    throw registryErrors.unprocessable(`The query parameter "${name}" is not one of this operation: ${reason ?? has}`)
  }
}
