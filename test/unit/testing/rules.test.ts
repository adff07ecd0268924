import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { rules } from '../../../src/testing/contract/rules.ts'

const api = join(import.meta.dirname, '../../../src/api')

/** A text without line breaks and the asterisks of a comment. */
const plain = (text: string): string => text.replaceAll(/\s*\n\s*(?:\*(?!\/) ?)?/g, ' ').replaceAll(/\s+/g, ' ')

it('cites sentences of the docstrings of penstock/api', () => {
  const docstrings = globSync('**/*.ts', { cwd: api }).flatMap((path) =>
    [...readFileSync(join(api, path), 'utf8').matchAll(/\/\*\*([^]*?)\*\//g)].map(([, text = '']) => plain(text)),
  )
  const missing = Object.values(rules).filter(({ says }) => !docstrings.some((text) => text.includes(says)))
  expect(missing).toEqual([])
})
