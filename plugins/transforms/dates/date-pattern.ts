/** A part of a pattern: text that stands for itself, or a field. */
export type PatternPart = { readonly literal: string } | { readonly letter: string; readonly count: number }

const letters = 'GyMLdkHKhmsSEDFwWuazZXY'

/**
 * Parses a pattern of Java's `SimpleDateFormat`.
 * @throws SyntaxError for an unknown letter or a quote that is not closed.
 */
export function parsePattern(pattern: string): readonly PatternPart[] {
  const parts: PatternPart[] = []
  let literal = ''
  const flush = (): void => {
    if (literal !== '') parts.push({ literal })
    literal = ''
  }
  for (let at = 0; at < pattern.length;) {
    const character = pattern.charAt(at)
    if (character === "'") {
      const quoted = quotedText(pattern, at)
      literal += quoted.text
      at = quoted.end
    } else if (/[A-Za-z]/.test(character)) {
      flush()
      const part = fieldAt(pattern, at)
      parts.push(part)
      at += part.count
    } else {
      literal += character
      at += 1
    }
  }
  flush()
  return parts
}

function quotedText(pattern: string, from: number): { text: string; end: number } {
  if (pattern[from + 1] === "'") return { text: "'", end: from + 2 }
  let text = ''
  for (let at = from + 1; at < pattern.length; at += 1) {
    const character = pattern.charAt(at)
    if (character !== "'") text += character
    else if (pattern[at + 1] === "'") {
      text += "'"
      at += 1
    } else return { text, end: at + 1 }
  }
  throw new SyntaxError(`Unterminated quote in the date format "${pattern}"`)
}

function fieldAt(pattern: string, from: number): { letter: string; count: number } {
  const letter = pattern.charAt(from)
  if (!letters.includes(letter))
    throw new SyntaxError(`Illegal pattern character '${letter}' in the date format "${pattern}"`)
  let end = from
  while (pattern[end] === letter) end += 1
  const count = end - from
  if (letter === 'X' && count > 3) {
    throw new SyntaxError(`Invalid time zone "${pattern.slice(from, end)}" in the date format "${pattern}"`)
  }
  return { letter, count }
}
