/**
 * JSON text with the values at the given paths (`source.lsn`) replaced by `"*"`. Everything else keeps its bytes: the
 * order of members, the form of numbers, escapes.
 */
export function maskJson(text: string, paths: readonly string[]): string {
  const masked = new Set(paths)
  const spans: (readonly [start: number, end: number])[] = []
  const end = scan(text, 0, '', (path, start, stop) => {
    if (masked.has(path)) spans.push([start, stop])
  })
  if (end !== text.length) throw new SyntaxError(`JSON ends at ${end} of ${text.length}`)
  let result = ''
  let position = 0
  for (const [start, stop] of spans) {
    result += `${text.slice(position, start)}"*"`
    position = stop
  }
  return result + text.slice(position)
}

type OnValue = (path: string, start: number, end: number) => void

const scalar = /"(?:[^"\\]|\\[^])*"|-?\d[\d.eE+-]*|true|false|null/y

function scalarEnd(text: string, start: number): number {
  scalar.lastIndex = start
  if (!scalar.test(text)) throw new SyntaxError(`no JSON at ${start}: ${text.slice(start, start + 20)}`)
  return scalar.lastIndex
}

/** The end of the value at `start`; tells of each member of an object. Compact JSON only. */
function scan(text: string, start: number, path: string, onValue: OnValue): number {
  const opening = text[start]
  if (opening !== '{' && opening !== '[') return scalarEnd(text, start)
  const closing = opening === '{' ? '}' : ']'
  let position = start + 1
  if (text[position] === closing) return position + 1
  for (let index = 0; ; index += 1) {
    let name = String(index)
    if (opening === '{') {
      const nameEnd = scalarEnd(text, position)
      name = String(JSON.parse(text.slice(position, nameEnd)))
      position = nameEnd + 1
    }
    const inner = path === '' ? name : `${path}.${name}`
    const end = scan(text, position, inner, onValue)
    onValue(inner, position, end)
    if (text[end] === closing) return end + 1
    position = end + 1
  }
}
