import { afterAll, beforeAll, beforeEach, describe } from 'vitest'

import { errorMessage } from '../../../src/foundation/error-message.ts'
import type { SearchBuild } from '../../../src/servers/search/builds.ts'
import { Servers } from '../../../src/servers/servers.ts'

/**
 * A suite on one build of Elasticsearch or OpenSearch, which runs only as long as the suite. Where it is unavailable, the tests are
 * skipped by name; with REQUIRE_SERVICES=1 they fail.
 */
export function describeSearch(build: SearchBuild, title: string, body: (address: () => string) => void): void {
  describe(`${title} on ${build}`, () => {
    let servers: Servers | null = null
    let address: string | null = null
    let missing = ''

    beforeAll(async () => {
      if (process.env['TEST_SERVICES']?.split(',').includes('elasticsearch') === false) {
        missing = 'left out by TEST_SERVICES'
        return
      }
      servers = Servers.open()
      try {
        address = (await servers.get('elasticsearch', { build })).address
      } catch (error) {
        missing = errorMessage(error)
      }
    })
    afterAll(async () => await servers?.close())
    beforeEach((context) => {
      if (address === null && process.env['REQUIRE_SERVICES'] !== '1')
        context.skip(`missing — ${missing.split('\n', 1)[0] ?? ''}`)
    })

    body(() => {
      if (address === null) throw new Error(`missing — ${build}: ${missing}`)
      return address
    })
  })
}
