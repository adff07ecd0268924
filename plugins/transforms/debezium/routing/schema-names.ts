/** How the names of schemas are adjusted to Avro: not at all, with underscores, or with the codes of the characters. */
export const adjustmentModes = ['none', 'avro', 'avro_unicode'] as const

export type AdjustmentMode = (typeof adjustmentModes)[number]

/** Returns the name of a schema without characters that Avro does not allow. */
export function adjustedName(name: string, mode: AdjustmentMode): string {
  if (mode === 'none') return name
  return mode === 'avro' ? withUnderscores(name) : withCodes(name)
}

/** A digit at the start is kept behind an underscore. As in Java, characters are units of UTF-16. */
function withUnderscores(name: string): string {
  const rest = name.slice(1).replace(/[^A-Za-z0-9_.]/g, '_')
  const first = name.charAt(0)
  if (/[A-Za-z_]/.test(first)) return first + rest
  return (/\p{Nd}/u.test(first) ? `_${first}` : first === '' ? '' : '_') + rest
}

/** The underscore introduces codes, so that it gets one too. */
function withCodes(name: string): string {
  const code = (character: string): string => `_u${hexOf(character.charCodeAt(0))}`
  const rest = name.slice(1).replace(/[^A-Za-z0-9.]/g, code)
  return name.slice(0, 1).replace(/[^A-Za-z]/, code) + rest
}

/** As Debezium's, a code has two, three or four digits, and two zeros before two. */
function hexOf(unit: number): string {
  const hex = unit.toString(16)
  return hex.length <= 2 ? `00${hex}` : hex
}
