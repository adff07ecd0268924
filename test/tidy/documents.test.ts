import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { layerTable } from './rules/layers.ts'

it('the layer table of ARCHITECTURE.md is the one that imports are checked against', () => {
  const text = readFileSync(join(import.meta.dirname, '../../ARCHITECTURE.md'), 'utf8')
  const section = text.slice(text.search(/^\| layer +\| may import/m))
  const rows = [...section.slice(0, section.indexOf('\n\n')).matchAll(/^\| ([a-z]+) +\| (.*?) +\|$/gm)]
  const written = rows.map(([, layer = '', allowed = '']) => [
    layer,
    allowed === 'nothing of ours' ? [] : allowed.split(', '),
  ])
  const checked = Object.entries(layerTable)
  expect(written.filter(([layer]) => layer !== 'layer' && layer !== 'cli')).toEqual(checked)
})
