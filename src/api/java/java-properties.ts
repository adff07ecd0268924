import { ConfigError } from '../errors.ts'

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/**
 * Parses a [Java properties file](https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)):
 * lines of `key=value`, `key:value` or `key value`, comments with `#` and `!`, a backslash at the end of a line to continue
 * it, `\uXXXX` and the usual escapes. The last of equal keys is used.
 * @throws ConfigError naming the line of a malformed `\uXXXX`
 */
export function parseProperties(text: string): Readonly<Record<string, string>> {
  const properties: [string, string][] = []
  for (const { line, number } of logicalLines(text)) {
    const end = keyEnd(line)
    const rest = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
    properties.push([unescape(line.slice(0, end), number), unescape(rest, number)])
  }
  return Object.fromEntries(properties)
}

function logicalLines(text: string): readonly { readonly line: string; readonly number: number }[] {
  const lines: { line: string; number: number }[] = []
  let open: { line: string; number: number } | null = null
  for (const [index, natural] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = natural.replace(/^[ \t\f]+/, '')
    if (open === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const continues = (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1
    open ??= { line: '', number: index + 1 }
    open.line += continues ? line.slice(0, -1) : line
    if (continues) continue
    lines.push(open)
    open = null
  }
  if (open !== null) lines.push(open)
  return lines
}

/** Returns where the key ends: at the first blank, `=` or `:` that is not escaped. */
function keyEnd(line: string): number {
  for (let i = 0; i < line.length; i += 1) {
    if (line[i] === '\\') i += 1
    else if (/[ \t\f=:]/.test(line[i] ?? '')) return i
  }
  return line.length
}

function unescape(text: string, number: number): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[^])/g, (_all, escaped: string) => {
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    if (escaped === 'u') throw new ConfigError(`Malformed \\uXXXX encoding in line ${number} of the properties file`)
    return escapes[escaped] ?? escaped
  })
}
