import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ConnectorPlugin } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { optionsTable, withOptions } from '../support/worker/options-table.ts'

const directory = new URL('../../connectors/', import.meta.url)
const names = readdirSync(directory).filter((name) => existsSync(fileURLToPath(new URL(`${name}/index.ts`, directory))))

describe('the README of a connector', () => {
  // UPDATE_DOCS=1 writes the tables instead of comparing them: `npm run docs`.
  it.each(names)('%s lists the options of its ConfigDef', async (name) => {
    const file = fileURLToPath(new URL(`${name}/README.md`, directory))
    const { plugin } = (await import(`../../connectors/${name}/index.ts`)) as { plugin: ConnectorPlugin }
    const document = readFileSync(file, 'utf8')
    const wanted = withOptions(document, optionsTable(plugin.configDef))
    expect(wanted, `${name}/README.md has no <!-- options --> … <!-- /options -->`).not.toBeNull()
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted ?? document)
    else expect(document).toBe(wanted)
  })
})
