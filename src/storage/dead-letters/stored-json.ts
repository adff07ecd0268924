/** What a JSON text has, if it is an object; other programs may have written any text. */
export function objectIn(text: string): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
  } catch {
    return new Map()
  }
}

export function textIn(object: ReadonlyMap<string, unknown>, name: string): string | null {
  const value = object.get(name)
  return typeof value === 'string' ? value : null
}

/** A whole number that is not negative. */
export function numberIn(object: ReadonlyMap<string, unknown>, name: string): number | null {
  const value = object.get(name)
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}
