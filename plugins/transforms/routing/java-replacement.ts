/**
 * Applies a Java replacement to a match: `$1` and `${name}` are groups, a backslash escapes the next character.
 * @throws SyntaxError if a group does not exist.
 */
export function javaReplacement(match: RegExpExecArray, replacement: string): string {
  let text = ''
  for (let i = 0; i < replacement.length; i += 1) {
    const character = replacement.charAt(i)
    if (character === '\\') {
      i += 1
      if (i === replacement.length) throw new SyntaxError('character to be escaped is missing')
      text += replacement.charAt(i)
    } else if (character === '$') {
      const reference = groupReference(match, replacement, i + 1)
      text += reference.text
      i = reference.end - 1
    } else text += character
  }
  return text
}

function groupReference(match: RegExpExecArray, replacement: string, at: number): { text: string; end: number } {
  const named = /^\{([A-Za-z][A-Za-z0-9]*)\}/.exec(replacement.slice(at))
  if (named !== null) {
    const [whole, name = ''] = named
    if (match.groups === undefined || !(name in match.groups)) throw new SyntaxError(`No group with name <${name}>`)
    return { text: match.groups[name] ?? '', end: at + whole.length }
  }
  const first = Number.parseInt(replacement.charAt(at), 10)
  if (Number.isNaN(first)) throw new SyntaxError('Illegal group reference')
  if (first >= match.length) throw new SyntaxError(`No group ${first}`)
  // As in Java, a further digit belongs to the number if there is such a group.
  let group = first
  let end = at + 1
  for (; end < replacement.length; end += 1) {
    const digit = Number.parseInt(replacement.charAt(end), 10)
    if (Number.isNaN(digit) || group * 10 + digit >= match.length) break
    group = group * 10 + digit
  }
  return { text: match[group] ?? '', end }
}
