import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { expect, it } from 'vitest'

import { withOptions } from '../support/worker/options-table.ts'
import { isNode, parse, repositoryFiles, walk, type SyntaxNode } from './source-file.ts'

interface Metric {
  readonly name: string
  readonly type: string
  readonly help: string
}

const types: ReadonlySet<string> = new Set(['counter', 'gauge', 'histogram'])

/** Of a text, also of one that is `as const`. */
const literal = (value: unknown): string | null => {
  if (!isNode(value)) return null
  if (value.type === 'TSAsExpression') return literal(value['expression'])
  return value.type === 'Literal' && typeof value['value'] === 'string' ? value['value'] : null
}

/** `….counter('name', 'help', …)`, or `gauge('name', 'help', …)`; null for any other call. */
function ofCall(node: SyntaxNode): Metric | null {
  const { callee } = node
  if (node.type !== 'CallExpression' || !isNode(callee)) return null
  const called = callee.type === 'MemberExpression' ? callee['property'] : callee
  const type = isNode(called) ? String(called['name']) : ''
  const [name, help] = (node['arguments'] as readonly unknown[]).map(literal)
  return types.has(type) && typeof name === 'string' ? { name, type, help: help ?? '' } : null
}

/** `{ kind: 'counter', name: 'name', help: 'help', … }`. */
function ofObject(node: SyntaxNode): Metric | null {
  if (node.type !== 'ObjectExpression') return null
  const properties = (node['properties'] as readonly SyntaxNode[]).filter(({ type }) => type === 'Property')
  const fields = new Map(
    properties.map(({ key, value }) => [isNode(key) ? String(key['name']) : '', literal(value)] as const),
  )
  const [type = null, name = null, help = null] = [fields.get('kind'), fields.get('name'), fields.get('help')]
  return type !== null && types.has(type) && name !== null ? { name, type, help: help ?? '' } : null
}

function metricsOfSources(): readonly Metric[] {
  const found = new Map<string, Metric>()
  for (const file of repositoryFiles()) {
    if (!/^(src|connectors)\/.*\.ts$/.test(file.path)) continue
    walk(parse(file).program, (node) => {
      const metric = ofCall(node) ?? ofObject(node)
      if (metric !== null) found.set(metric.name, metric)
    })
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

it('docs/reference/metrics.md lists the metrics of the sources, each with its help', () => {
  const metrics = metricsOfSources()
  expect(metrics.filter(({ help }) => help === '')).toEqual([])
  const rows = metrics.map(({ name, type, help }) => `| \`penstock_${name}\` | ${type} | ${help} |`)
  const file = fileURLToPath(new URL('../../docs/reference/metrics.md', import.meta.url))
  const document = readFileSync(file, 'utf8')
  const wanted = withOptions(document, ['| metric | type | meaning |', '|---|---|---|', ...rows].join('\n'))
  // `npm run docs` writes it.
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted ?? document)
  else expect(document).toBe(wanted)
})
