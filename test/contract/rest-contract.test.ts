import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { allRoutes } from '../../src/rest/routes/all-routes.ts'
import { docsRoutes } from '../../src/rest/routes/docs-routes.ts'
import { unsupported } from '../../src/rest/routes/unsupported-routes.ts'
import { contractOperations, contractProblems } from '../support/rest/openapi.ts'

describe('openapi.yaml', () => {
  it('describes the operations that are served, and no others', () => {
    const served = [...allRoutes, ...docsRoutes].map(
      ({ method, path, operationId }) => `${method} ${path} ${operationId}`,
    )
    expect([...contractOperations()].toSorted()).toEqual(served.toSorted())
  })

  it('describes 501 for the operations that are not served, and the ledger lists them', () => {
    const file = new URL('../../src/rest/UNSUPPORTED.md', import.meta.url)
    const ledger = readFileSync(file, 'utf8').replace(/ +/g, ' ')
    const body = JSON.stringify({ error_code: 501, message: 'x' })
    for (const { method, path, instead } of unsupported) {
      expect(contractProblems(method, path, { status: 501, contentType: 'application/json', body })).toEqual([])
      expect(ledger).toContain(`| \`${method} ${path}\` | ${instead} |`)
    }
    expect(ledger.match(/^\| `(?:GET|PUT|POST|PATCH|DELETE) /gm)).toHaveLength(unsupported.length)
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
