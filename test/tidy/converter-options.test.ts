import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import type { ConverterPlugin, HeaderConverterPlugin } from 'penstock/api'
import { expect, it } from 'vitest'

import { builtInPlugins } from '../../src/plugin/built-in-plugins.ts'
import { optionsTable, withOptions } from '../support/worker/options-table.ts'

type Plugins = Record<string, ConverterPlugin | HeaderConverterPlugin>

/** A section for each class, which may be a converter, a header converter or both, with the same options. */
async function sections(): Promise<string> {
  const texts = new Map<string, string>()
  for (const { kind, className, module, exportName } of builtInPlugins) {
    if (kind !== 'converter' && kind !== 'header_converter') continue
    const { configDef } = ((await import(module)) as Plugins)[exportName] ?? { configDef: {} }
    const table = Object.keys(configDef).length === 0 ? 'No options.' : optionsTable(configDef)
    texts.set(`### \`${className}\``, table)
  }
  return [...texts].map(([title, text]) => `${title}\n\n${text.trim()}`).join('\n\n')
}

it('docs/reference/converters.md lists the options of each converter', async () => {
  const file = fileURLToPath(new URL('../../docs/reference/converters.md', import.meta.url))
  const document = readFileSync(file, 'utf8')
  const wanted = withOptions(document, await sections())
  // `npm run docs` writes it.
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted ?? document)
  else expect(document).toBe(wanted)
})
