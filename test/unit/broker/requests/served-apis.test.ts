import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { servedApis } from '../../../../src/broker/requests/served-apis.ts'
import { apis } from '../../../support/protocol/apis.ts'

async function exportsOf(directory: string): Promise<unknown[]> {
  const url = new URL(`../../../../${directory}/`, import.meta.url)
  const modules = readdirSync(fileURLToPath(url)).map((file) => import(new URL(file, url).href) as Promise<object>)
  return (await Promise.all(modules)).flatMap((module) => Object.values(module))
}

describe('the list of served APIs', () => {
  it('has every registration of the handler files, each API once', async () => {
    const registrations = await exportsOf('src/broker/handlers')
    expect(new Set(servedApis)).toEqual(new Set(registrations))
    expect(new Set(servedApis.map(({ api }) => api.key)).size).toBe(servedApis.length)
    expect(servedApis).toHaveLength(registrations.length)
  })

  it('has a handler forevery message table, and the tests know every table', async () => {
    const tables = new Set(await exportsOf('src/protocol/messages'))
    expect(new Set(Object.values(apis))).toEqual(tables)
    expect(new Set(servedApis.map(({ api }) => api))).toEqual(tables)
  })
})
