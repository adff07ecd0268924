import { describe, expect, it } from 'vitest'

import { parseResponseHeaders } from '../../../../../src/config/worker/rest/response-headers.ts'

describe('the headers of all responses', () => {
  it('are rules of Kafka, with commas in quotes', () => {
    expect(parseResponseHeaders('')).toEqual([])
    expect(
      parseResponseHeaders(
        'add Cache-Control: no-cache, "add Cache-Control: no-store, must-revalidate", set X-Frame-Options:DENY, setDate Expires: 60000',
      ),
    ).toEqual([
      { name: 'Cache-Control', value: { text: 'no-cache' } },
      { name: 'Cache-Control', value: { text: 'no-store, must-revalidate' } },
      { name: 'X-Frame-Options', value: { text: 'DENY' } },
      { name: 'Expires', value: { afterMs: 60_000 } },
    ])
  })

  it('are those that were set last, and all that were added since', () => {
    expect(
      parseResponseHeaders('add A: 1, add B: 1, set a: 2, add A: 3').map(({ name, value }) => [name, value]),
    ).toEqual([
      ['B', { text: '1' }],
      ['a', { text: '2' }],
      ['A', { text: '3' }],
    ])
  })

  it.each([
    ['X-Frame-Options: DENY', /it is not "\[action\] \[name\]:\[value\]"/],
    ['put X: y', /with the action set, add, setDate or addDate/],
    ['set X', /it is not/],
    ['set : y', /it is not/],
    ['set Content-Length: 5', /Content-Length belongs to the response itself/],
    ['add transfer-encoding: chunked', /belongs to the response itself/],
    ['set X(y): z', /does not allow these characters/],
    ['set X: a\nSet-Cookie: b', /it is not|does not allow these characters/],
    ['set X: \u0000', /does not allow these characters/],
    ['setDate Expires: tomorrow', /setDate needs a number of milliseconds/],
  ])('are rejected: %j', (text, message) => {
    expect(() => parseResponseHeaders(text)).toThrow(message)
    expect(() => parseResponseHeaders(text)).toThrow(/response\.http\.headers\.config/)
  })
})
