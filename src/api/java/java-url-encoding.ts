/** Returns text as `java.net.URLEncoder` encodes it: bytes of UTF-8 as `%C3`, a space as `+`, half of a surrogate pair as `?`. */
export function javaUrlEncoded(text: string): string {
  return Array.from(text, encoded).join('')
}

function encoded(character: string): string {
  if (/[A-Za-z0-9._*-]/.test(character)) return character
  if (character === ' ') return '+'
  if (!character.isWellFormed()) return '%3F'
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}
