import { expect, it } from 'vitest'

import { registryForConverters } from '../../../../src/cli/registry/worker-registry.ts'

const config = { registry: { topic: '_schemas', replicationFactor: -1 } }
const open = { restToken: null, restUsers: null }
const http = { host: '127.0.0.1', port: 8083 }
const https = { host: '0.0.0.0', port: 8443, tls: {} }

it.each([
  { what: 'a listener', listeners: [http], url: 'http://127.0.0.1:8083/schema-registry' },
  { what: 'all addresses', listeners: [{ host: '', port: 80 }], url: 'http://127.0.0.1:80/schema-registry' },
  { what: 'IPv6', listeners: [{ host: '::1', port: 80 }], url: 'http://[::1]:80/schema-registry' },
  { what: 'a listener beside one with TLS', listeners: [https, http], url: 'http://127.0.0.1:8083/schema-registry' },
])('converters use the registry of their worker on $what', ({ listeners, url }) => {
  expect(registryForConverters(config, listeners as never, open)).toEqual({ registryUrl: url })
})

it('converters have no registry of their worker that needs TLS or credentials, or that is switched off', () => {
  expect(registryForConverters(config, [https] as never, open)).toEqual({})
  expect(registryForConverters({ registry: null }, [http], open)).toEqual({})
  expect(registryForConverters(config, [http], { ...open, restToken: 'token' })).toEqual({})
  expect(registryForConverters(config, [http], { ...open, restUsers: {} as never })).toEqual({})
})
