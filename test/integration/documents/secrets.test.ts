import { afterEach, beforeEach, expect, it } from 'vitest'

import { Servers } from '../../../src/servers/servers.ts'
import { workerAddresses } from '../../support/documents/addresses.ts'
import {
  administer,
  databaseAddresses,
  databaseNamed,
  dropDatabase,
  expectRunning,
} from '../../support/documents/guide-database.ts'
import { guideRuns } from '../../support/documents/guide-run.ts'
import { VaultServer } from '../../support/secrets/vault-server.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { installPackage } from '../../support/worker/installed-package.ts'

const run = guideRuns()
const programs = ['bin/penstock.js', 'node_modules/.bin/penstock']
let name = ''

async function createDatabase(prefix: string): Promise<void> {
  name = `${prefix}_${process.pid}_${Date.now()}`
  await administer(service('postgres'), `CREATE DATABASE ${name}`)
  await administer(databaseNamed(name).href, 'CREATE TABLE orders (id int PRIMARY KEY)')
}

describeWith(['postgres'], 'a connector with secrets by reference', () => {
  beforeEach(() => createDatabase('secrets'))
  afterEach(async () => {
    await run().endAll()
    await dropDatabase(name)
  })

  it.each(programs)('runs by %s as the guide says', async (program) => {
    if (program.startsWith('node_modules')) await installPackage(run().directory)
    const { rest, written } = await workerAddresses(program)
    const database = databaseNamed(name)
    const addresses = {
      ...written,
      ...databaseAddresses(database),
      '"database.dbname": "shop"': `"database.dbname": "${name}"`,
      '"slot.name": "shop_secrets"': `"slot.name": "${name}"`,
      'user=postgres': `user=${database.username}`,
      'password=postgres': `password=${decodeURIComponent(database.password) || 'postgres'}`,
    }
    const outputs = await run().follow('docs/guides/secrets.md', addresses, `${rest}/connectors`, async (script) => {
      // The reader of the guide has seen it run by now.
      if (/-X DELETE|\/restart/.test(script)) await untilPasses(() => expectRunning(rest, 'shop-secrets'))
    })
    expect(outputs.every((output) => /\S/.test(output))).toBe(true)
    const said = outputs.join('\n')
    expect(said).toContain('"database.password":"${file:secrets/shop.properties:password}"')
    expect(said).toMatch(
      /the reference \$\{file:secrets\/shop.properties:pasword\} cannot be resolved .*there is no key/,
    )
    expect(outputs.at(-1)).toBe('204\n')
  })
})

describeWith(['postgres', 'bao'], 'a connector with secrets of Vault', () => {
  let servers: Servers
  let vault: VaultServer
  beforeEach(async () => {
    servers = Servers.open()
    vault = await VaultServer.start(servers)
    await createDatabase('vault')
  })
  afterEach(async () => {
    await run().endAll()
    await servers.close()
    await dropDatabase(name)
  })

  it.each(programs)('runs by %s as the guide says', async (program) => {
    if (program.startsWith('node_modules')) await installPackage(run().directory)
    const { rest, written } = await workerAddresses(program)
    const database = databaseNamed(name)
    const addresses = {
      ...written,
      ...databaseAddresses(database),
      'http://127.0.0.1:8200': vault.url,
      'X-Vault-Token: root': `X-Vault-Token: ${vault.rootToken}`,
      '"database.dbname": "shop"': `"database.dbname": "${name}"`,
      '"slot.name": "shop_vault"': `"slot.name": "${name}"`,
      '"user": "postgres"': `"user": "${database.username}"`,
      '"password": "postgres"': `"password": "${decodeURIComponent(database.password) || 'postgres'}"`,
    }
    const guide = 'docs/guides/secret-managers.md'
    const outputs = await run().follow(guide, addresses, `${rest}/connectors`, async (script) => {
      if (script.includes('-X DELETE')) await untilPasses(() => expectRunning(rest, 'shop-vault'))
    })
    expect(outputs.every((output) => /\S/.test(output))).toBe(true)
    const said = outputs.join('\n')
    expect(said).toContain('"database.password":"${vault:secret/shop/db:password}"')
    expect(said).toMatch(/Vault refuses to read secret\/data\/bank\/db \(403.*must allow .*read.* there/)
    expect(outputs.at(-1)).toBe('204\n')
  })
})
