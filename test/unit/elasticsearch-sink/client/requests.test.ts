import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { troubleOf } from '../../../../connectors/elasticsearch-sink/client/requests.ts'

const bulk = { method: 'POST', path: '/_bulk' }
const own = '{"error":{"root_cause":[],"type":"security_exception","reason":"no"},"status":403}'

describe('a rejection', () => {
  it('of Elasticsearch is a verdict: its own JSON says so', () => {
    expect(troubleOf({ status: 403, body: own, ...bulk })).toBeNull()
    expect(
      troubleOf({ status: 405, body: '{"error":"Incorrect HTTP method for uri","status":405}', ...bulk }),
    ).toBeNull()
    expect(troubleOf({ status: 200, body: '', ...bulk })).toBeNull()
  })

  it('of a proxy is no verdict, whatever its status and body', () => {
    const bodies = [
      '',
      'Unauthorized',
      '<html>403 Forbidden</html>',
      '{}',
      'null',
      '[]',
      '{"message":"no"}',
      '{"error":"no"}',
    ]
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 499 }), fc.constantFrom(...bodies), (status, body) => {
        fc.pre(![408, 413, 429].includes(status))
        expect(troubleOf({ status, body, ...bulk })?.code).toBe('ES_FOREIGN_RESPONSE')
      }),
    )
  })

  it('without JSON is a verdict in response to HEAD, and where the request is too large', () => {
    expect(troubleOf({ status: 403, body: '', ...bulk, method: 'HEAD' })).toBeNull()
    expect(troubleOf({ status: 413, body: '<html>', ...bulk })).toBeNull()
  })

  it.each([
    [503, 'ES_UNAVAILABLE'],
    [429, 'ES_OVERLOADED'],
  ])('with status %i is transient, whatever server sends it', (status, code) => {
    expect(troubleOf({ status, body: own, ...bulk })?.code).toBe(code)
  })
})
