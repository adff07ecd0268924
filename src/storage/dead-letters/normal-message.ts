/** Beyond this, a message does not tell causes apart. */
const maxRead = 2000
const maxShown = 300

/** What changes from record to record, and by what it is replaced. Each expression takes time in proportion to the text. */
const changing: readonly (readonly [RegExp, string])[] = [
  [/"[^"]*"/g, '"…"'],
  // An apostrophe within a word does not begin a quotation.
  [/(?<![\p{L}\d])'[^']*'(?![\p{L}\d])/gu, "'…'"],
  [/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/gi, '#'],
  [/\b(?:0x)?(?=[a-f]*\d)[\da-f]{12,}\b/gi, '#'],
  [/\d+(?:\.\d+)*/g, '#'],
  [/\s+/g, ' '],
]

/** Returns the message of an error without the values in it, so that records that fail for the same reason have the same one. */
export function normalMessage(message: string): string {
  let text = message.slice(0, maxRead)
  for (const [pattern, replacement] of changing) text = text.replace(pattern, replacement)
  return text.trim().slice(0, maxShown)
}
