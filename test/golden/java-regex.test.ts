import { javaRegExp } from 'penstock/api'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** What `java.util.regex` (Java 17) says of expressions at random; null where it refuses the expression. */
interface Recorded {
  readonly regex: string
  /** Texts, and whether the whole of each matches. */
  readonly matches: Readonly<Record<string, boolean>> | null
}

const lines = readFileSync(new URL('java-regex.jsonl', import.meta.url), 'utf8').trimEnd().split('\n')
const recordings = lines.map((line) => JSON.parse(line) as Recorded)

describe('an expression in the syntax of Java', () => {
  for (const [index, { regex, matches }] of recordings.entries()) {
    it(`${index}: ${matches === null ? 'is refused' : 'matches what it does there'}: ${JSON.stringify(regex)}`, () => {
      if (matches === null) {
        expect(() => javaRegExp(regex, { whole: true })).toThrow(/^Invalid regex: /)
        return
      }
      const expression = javaRegExp(regex, { whole: true })
      const ours = Object.fromEntries(Object.keys(matches).map((text) => [text, expression.test(text)]))
      expect(ours).toEqual(matches)
    })
  }
})
