/** What a reviver is told in addition, where the browser supports it: the text of a number. */
interface ReviverContext {
  readonly source?: string
}

/** Parses JSON without rounding integers: those beyond 2^53 become BigInt. Older browsers round them. */
export function exactJson(text: string): unknown {
  const revive = (_key: string, value: unknown, context?: ReviverContext): unknown => {
    const source = context?.source
    const isRounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
    return isRounded && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
  }
  return JSON.parse(text, revive)
}

/** A value on one line: `{"id":7,"status":"new"}`; a text without its quotes when it stands alone. */
export function oneLine(value: unknown): string {
  return typeof value === 'string' ? value : compact(value)
}

/** As `JSON.stringify`, with BigInt as number. */
export function compact(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map(compact).join(',')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, member]) => `${JSON.stringify(key)}:${compact(member)}`)
      .join(',')}}`
  return JSON.stringify(value) ?? 'null'
}

/** Over several lines, indented by two blanks. */
export function indented(value: unknown, margin = ''): string {
  const inner = `${margin}  `
  if (Array.isArray(value) && value.length > 0)
    return `[\n${value.map((member) => `${inner}${indented(member, inner)}`).join(',\n')}\n${margin}]`
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    const members = Object.entries(value).map(
      ([key, member]) => `${inner}${JSON.stringify(key)}: ${indented(member, inner)}`,
    )
    return `{\n${members.join(',\n')}\n${margin}}`
  }
  return compact(value)
}
