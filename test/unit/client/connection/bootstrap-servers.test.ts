import { describe, expect, it } from 'vitest'
import { formatAddress, parseBootstrapServers } from '../../../../src/client/connection/bootstrap-servers.ts'

describe('bootstrap.servers', () => {
  it('takes several addresses, IPv6 hosts in brackets, and a listener name in front', () => {
    expect(parseBootstrapServers(' a:9092, [::1]:9093 ,PLAINTEXT://b.c:9094')).toEqual([
      { host: 'a', port: 9092 },
      { host: '::1', port: 9093 },
      { host: 'b.c', port: 9094 },
    ])
    expect(formatAddress({ host: '::1', port: 9093 })).toBe('[::1]:9093')
  })

  for (const wrong of ['', ' , ', 'a', 'a:', 'a:0', 'a:70000', 'a:9092:1', '::1:9092']) {
    it(`rejects "${wrong}"`, () => {
      expect(() => parseBootstrapServers(wrong)).toThrow(/bootstrap\.servers/)
    })
  }
})
