/**
 * The minimum length of a value that messages hide, in characters. Shorter texts occur everywhere (`1`, `no`, `sql`):
 * to replace them would make messages unreadable, and show the value by the places where it is missing.
 */
export const minSecretLength = 4

/** A form of Base64 is hidden from this length on. The encoding of a short value occurs in other texts. */
const minBase64Length = 8

/**
 * Returns the forms in which a secret appears in messages: as it is, without surrounding white space (configs are parsed
 * without it), line by line, escaped in JSON, in URLs, and in Base64, also as a part of a longer encoded text such as
 * `user:password`.
 */
export function formsOf(secret: string): readonly string[] {
  const trimmed = secret.trim()
  const lines = trimmed.split(/\r\n|\n|\r/).map((line) => line.trim())
  const plain = [secret, trimmed, ...lines].filter((form) => form.trim().length >= minSecretLength)
  const escaped = plain.flatMap((form) => [
    JSON.stringify(form).slice(1, -1),
    form.replaceAll('\\', '\\\\').replaceAll("'", "\\'"),
    encodeURIComponent(form.toWellFormed()),
  ])
  const encoded = trimmed.length < minSecretLength ? [] : [secret, trimmed].flatMap(base64Forms)
  return [...new Set([...plain, ...escaped, ...encoded])]
}

/** Returns the characters of Base64 that encode nothing but the secret, for each of the three places where it may begin. */
function base64Forms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  return [0, 1, 2].flatMap((before) => {
    const first = Math.ceil((before * 8) / 6)
    const last = Math.floor(((before + bytes.length) * 8) / 6)
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    return (['base64', 'base64url'] as const)
      .map((encoding) => padded.toString(encoding).slice(first, last))
      .filter((form) => form.length >= minBase64Length)
  })
}
