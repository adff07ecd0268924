import { expect, it } from 'vitest'

import { neededServices } from '../../support/global-setup.ts'
import { describeWith, service } from '../../support/services.ts'

it('reads the needed servers from the source of a suite', () => {
  const source = "describeWith(['postgres',\n  'minio'], 'a suite', () => {})\ndescribeWith([ 'kcat' ], 'b', () => {})"
  expect([...neededServices([source])]).toEqual(['postgres', 'minio', 'kcat'])
  expect([...neededServices(['describe("plain", () => {})'])]).toEqual([])
})

it('says which server is missing when a test asks for it outside a suite that names it', () => {
  expect(() => service('nothing' as never)).toThrow('service nothing is missing: no running suite asks for it')
})

describeWith(['postgres'], 'a suite with a server', () => {
  it('has its address', () => {
    expect(new URL(service('postgres')).protocol).toBe('postgres:')
  })
})
