import { stripVTControlCharacters } from 'node:util'

/** Characters that take two columns: East Asian wide and full-width ones, and emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u
const markOnly = /^\p{M}+$|^\u200d$/u

/** The columns that a text takes in a terminal, without its colours. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of stripVTControlCharacters(text)) {
    if (!markOnly.test(character)) width += wide.test(character) ? 2 : 1
  }
  return width
}

/** A text of others as one line that cannot steer the terminal: control characters are escaped. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const short = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }[character]
    return short ?? `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/** The text in at most `width` columns; what does not fit is cut, and `…` says so. */
export function clippedTo(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let clipped = ''
  let used = 1
  for (const character of text) {
    used += displayWidth(character)
    if (used > width) break
    clipped += character
  }
  return width < 1 ? '' : `${clipped}…`
}

/** The text in lines of at most `width` columns, broken at blanks where there are any. A line keeps its indentation. */
export function wrapped(text: string, width: number): readonly string[] {
  const paragraphs = text.split('\n')
  return Number.isFinite(width) ? paragraphs.flatMap((each) => wrappedLine(each, width)) : paragraphs
}

function wrappedLine(text: string, width: number): readonly string[] {
  const indent = /^ */.exec(text)?.[0] ?? ''
  const room = Math.max(1, width - indent.length)
  const lines: string[] = []
  let line = ''
  for (let word of text.trim().split(/ +/)) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > room) {
      lines.push(line)
      line = ''
    }
    while (displayWidth(word) > room) {
      const part = Array.from(word).slice(0, room).join('')
      lines.push(part)
      word = word.slice(part.length)
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => indent + each)
}

/** `1 task`, `2 tasks`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}

/** A number with thousands separated: 12,345. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value >= 100 || Number.isInteger(value) ? 0 : 1 })
}

/** Bytes with a unit that a person reads: 3.1 GB. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** Milliseconds as a person says them: 350 ms, 12 s, 4 min, 3 h 20 min, 2 d 4 h. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`
}
