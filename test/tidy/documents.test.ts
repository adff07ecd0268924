import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { expect, it } from 'vitest'

import { layerTable } from './rules/layers.ts'
import { repositoryFiles } from './source-file.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const documents = repositoryFiles().filter(({ path }) => path.endsWith('.md'))

it('the layer table of ARCHITECTURE.md is the one that imports are checked against', () => {
  const text = read('ARCHITECTURE.md')
  const section = text.slice(text.search(/^\| layer +\| may import/m))
  const rows = [...section.slice(0, section.indexOf('\n\n')).matchAll(/^\| ([a-z]+) +\| (.*?) +\|$/gm)]
  const written = rows.map(([, layer = '', allowed = '']) => [layer, allowed === 'nothing' ? [] : allowed.split(', ')])
  const checked = Object.entries(layerTable)
  expect(written.filter(([layer]) => layer !== 'layer' && layer !== 'cli')).toEqual(checked)
})

it('every place that ARCHITECTURE.md names is there', () => {
  const rows = [...read('ARCHITECTURE.md').matchAll(/^\| `([\w/]+)` +\| .*? \| (.*?) +\|$/gm)]
  const places = rows.flatMap(([, directory = '', files = '']) =>
    [...files.matchAll(/`([^`]+)`/g)].map(([, file = '']) => join(directory, file)),
  )
  expect(places.length).toBeGreaterThan(20)
  expect(places.filter((place) => !existsSync(join(root, place)))).toEqual([])
})

it('every path that a document names is there', () => {
  const missing = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:bench|bin|connectors|docs|plugins|src|test)\/[\w./-]+)`/g)]
      .filter(([, named = '']) => !existsSync(join(root, named)))
      .map(([, named = '']) => `${path}: ${named}`),
  )
  expect(missing).toEqual([])
})

it('every link between documents leads somewhere', () => {
  const broken = documents.flatMap(({ path, text }) => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link)
    return links.filter((link) => !existsSync(join(root, dirname(path), link))).map((link) => `${path}: ${link}`)
  })
  expect(broken).toEqual([])
})

it('every decision is in the list of decisions', () => {
  const list = read('docs/decisions/README.md')
  const decisions = documents
    .map(({ path }) => path.replace(/^docs\/decisions\//, ''))
    .filter((name) => /^\d{4}-/.test(name))
  expect(decisions.length).toBeGreaterThan(30)
  expect(decisions.filter((name) => !list.includes(`| [${Number(name.slice(0, 4))}](${name}) `))).toEqual([])
})
