import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isProduct, isTest, repositoryFiles, type SourceFile } from './source-file.ts'

const architecture = readFileSync(join(import.meta.dirname, '../../ARCHITECTURE.md'), 'utf8')
const stated = [...architecture.matchAll(/^- \*\*(I\d+)\*\* /gm)].map(([, name = '']) => name)
const sources = repositoryFiles().filter(({ path }) => path.endsWith('.ts'))

/** The invariants that files cite, in brackets: one, or several with commas. */
function citedBy(files: readonly SourceFile[]): ReadonlySet<string> {
  return new Set(files.flatMap(({ text }) => [...text.matchAll(/\b(I\d+)(?=[,)])/g)].map(([, name = '']) => name)))
}

it('ARCHITECTURE.md numbers its invariants without a gap', () => {
  expect(stated.length).toBeGreaterThan(0)
  expect(stated).toEqual(stated.map((_, i) => `I${i + 1}`))
})

it.each([
  ['the code that enforces it', isProduct],
  ['the test that proves it', isTest],
] as const)('every invariant is cited by %s, and no other number is', (_, isCiting) => {
  const cited = citedBy(sources.filter(isCiting))
  expect([...cited].toSorted()).toEqual(stated.toSorted())
})
