import { describe, expect, it } from 'vitest'

import { jsonText } from '../../../src/registry/json/json-node.ts'
import { parseJson } from '../../../src/registry/json/parse-json.ts'

describe('the JSON text of a schema', () => {
  it('keeps each text, with the escapes of Jackson', () => {
    const texts = {
      '\u001f \n "': '"\\u001F \\n \\""',
      // What looks like an escape after an escaped backslash is text.
      '\\u00ab': '"\\\\u00ab"',
      '\\\u001f': '"\\\\\\u001F"',
      '😀 é': '"😀 é"',
      '\ud83d': '"\\uD83D"',
    }
    for (const [text, written] of Object.entries(texts)) {
      expect(jsonText(text)).toBe(written)
      expect(parseJson(written)).toBe(text)
    }
  })
})
