import { describe, expect, it } from 'vitest'

import { allRoutes } from '../../src/rest/routes/all-routes.ts'
import { docsRoutes } from '../../src/rest/routes/docs-routes.ts'
import { contractOperations, contractProblems } from '../support/rest/openapi.ts'

describe('openapi.yaml', () => {
  it('describes the operations that are served, and no others', () => {
    const served = [...allRoutes, ...docsRoutes].map(
      ({ method, path, operationId }) => `${method} ${path} ${operationId}`,
    )
    expect([...contractOperations()].toSorted()).toEqual(served.toSorted())
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
