import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

import { allRoutes } from '../../src/rest/routes/all-routes.ts'
import { registryRoutes } from '../../src/rest/registry/registry-routes.ts'
import { docsRoutes } from '../../src/rest/routes/docs-routes.ts'
import { contractOperations, contractProblems } from '../support/rest/openapi.ts'

describe('openapi.yaml', () => {
  it('describes the operations that are served, and no others', () => {
    const served = [...allRoutes, ...docsRoutes, ...registryRoutes].map(
      ({ method, path, operationId }) => `${method} ${path} ${operationId}`,
    )
    expect([...contractOperations()].toSorted()).toEqual(served.toSorted())
  })

  it('describes by its status the response to a body that cannot be read, of each operation that has one', () => {
    const document = parse(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')) as {
      readonly paths: Readonly<
        Record<string, Readonly<Record<string, { readonly requestBody?: object; readonly responses?: object }>>>
      >
    }
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, { requestBody, responses = {} }]) =>
        requestBody === undefined
          ? []
          : [{ operation: `${method} ${path}`, isDescribed: Object.hasOwn(responses, '500') }],
      ),
    )
    expect(operations).not.toEqual([])
    expect(operations.filter(({ isDescribed }) => !isDescribed)).toEqual([])
  })

  it('rejects a response that it does not describe', () => {
    const json = { contentType: 'application/json' }
    expect(contractProblems('GET', '/', { status: 200, body: '{"version":"1"}', ...json })).toEqual([
      expect.stringContaining("must have required property 'commit'"),
    ])
    expect(contractProblems('GET', '/connectors/', { status: 200, body: '[1]', ...json })).not.toEqual([])
    expect(contractProblems('DELETE', '/connectors/a', { status: 204, body: 'x', contentType: null })).not.toEqual([])
  })
})
