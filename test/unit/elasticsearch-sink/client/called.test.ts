import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../../..')

it('the bundle holds what the sink calls of its client, and no more', () => {
  const sources = globSync('connectors/elasticsearch-sink/**/*.ts', { cwd: root })
  const text = sources.map((path) => readFileSync(join(root, path), 'utf8')).join('\n')
  const called = [...text.matchAll(/\bclient\.(?!close\b)([a-z]+)[.(]/gi)].map(([, name]) => `${name}.js`)
  const [, list = ''] =
    /calledOfClient = new Set\(\[(.*)\]/.exec(readFileSync(join(root, 'bin/build.js'), 'utf8')) ?? []
  const held = [...list.matchAll(/'([^']+)'/g)].map(([, name]) => name)
  expect(held).toEqual([...new Set(called)].toSorted())
})
