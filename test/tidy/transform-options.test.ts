import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import type { TransformPlugin } from 'penstock/api'
import { expect, it } from 'vitest'

import { methodsOf } from '../../plugins/transforms/expressions/methods/methods.ts'
import { kindNames } from '../../plugins/transforms/expressions/values/kinds.ts'
import { builtInPlugins } from '../../src/plugin/built-in-plugins.ts'
import { debeziumReasons } from '../oracle/debezium/deviations.ts'
import { reasons } from '../oracle/deviations.ts'
import { optionsTable, withOptions } from '../support/worker/options-table.ts'

/** A section for each transform and predicate, one for both halves of a record, and the differences from the originals. */
async function sections(): Promise<string> {
  const texts = new Map<string, string>()
  for (const { kind, className, module, exportName } of builtInPlugins) {
    if (kind !== 'transformation' && kind !== 'predicate') continue
    const { configDef } = ((await import(module)) as Record<string, TransformPlugin>)[exportName] ?? { configDef: {} }
    const title = className.replace(/\$(?:Key|Value)$/, '$$Key` and `$$Value')
    const table = Object.keys(configDef).length === 0 ? 'No options.' : optionsTable(configDef)
    texts.set(`## \`${title}\``, table)
  }
  texts.set('## Methods of expressions in Groovy', methodsTable('groovy'))
  texts.set('## Methods of expressions in JavaScript', methodsTable('javascript'))
  texts.set('## Differences from Kafka Connect', listOf(reasons))
  texts.set('## Differences from Debezium', listOf(debeziumReasons))
  return [...texts].map(([title, text]) => `${title}\n\n${text.trim()}`).join('\n\n')
}

/** The methods of each kind of value. */
function methodsTable(language: 'groovy' | 'javascript'): string {
  const rows = [...methodsOf[language]].map(([kind, methods]) => {
    const names = [...methods.keys()].toSorted().map((name) => `\`${name}\``)
    return `| ${kindNames[kind]} | ${names.join(', ')} |`
  })
  return ['| value | methods |', '|---|---|', ...rows].join('\n')
}

const listOf = (texts: Readonly<Record<string, string>>): string =>
  Object.values(texts)
    .map((reason) => `- ${reason}`)
    .join('\n')

it('docs/reference/transforms.md lists the options of each transform and predicate', async () => {
  const file = fileURLToPath(new URL('../../docs/reference/transforms.md', import.meta.url))
  const document = readFileSync(file, 'utf8')
  const wanted = withOptions(document, await sections())
  // `npm run docs` writes it.
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted ?? document)
  else expect(document).toBe(wanted)
})
