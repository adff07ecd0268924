import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { seededRandom } from '../support/seeded-random.ts'
import { mutationsOf, type Mutation } from './mutations.ts'

/** A mutation of a file of the repository. */
export interface Mutant {
  readonly path: string
  /** The file as it was when its mutants were made. */
  readonly text: string
  readonly mutation: Mutation
  readonly line: number
  /** The changed part of the line, before and after. */
  readonly change: string
  /** Names it as long as its file stays as it is. */
  readonly id: string
}

/** All mutants of the files. */
export function mutantsOf(root: string, paths: readonly string[]): readonly Mutant[] {
  return paths.flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const version = createHash('sha1').update(text).digest('hex').slice(0, 12)
    return mutationsOf(text).map((mutation) => {
      const { start, end, replacement } = mutation
      const line = text.slice(0, start).split('\n').length
      const id = `${path} ${version} ${start}-${end} ${replacement}`
      return { path, text, mutation, line, change: changeOf(text, mutation), id }
    })
  })
}

/** So many of them, chosen by the seed. */
export function sampleOf(mutants: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  const random = seededRandom(seed)
  const keyed = mutants.map((mutant) => ({ mutant, key: random() }))
  return keyed
    .toSorted((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ mutant }) => mutant)
}

/** `kind: the line before → the line after`, on one line. */
function changeOf(text: string, { start, end, replacement, kind }: Mutation): string {
  const lineStart = text.lastIndexOf('\n', start) + 1
  const lineEnd = Math.max(text.indexOf('\n', end), start)
  const before = text.slice(lineStart, lineEnd)
  if (/removed|emptied|dropped/.test(kind)) return `${kind}: ${oneLine(before)}`
  return `${kind}: ${oneLine(text.slice(lineStart, start) + replacement + text.slice(end, lineEnd))}`
}

function oneLine(text: string): string {
  // A backtick would end the code in the table.
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('`', "'").trim()
  return line.length <= 110 ? line : `${line.slice(0, 109)}…`
}
