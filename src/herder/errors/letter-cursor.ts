import { BadRequestError } from '../herder-errors.ts'

/** `0:1500,1:20`: by partition, the offset before which to read. */
const form = /^\d{1,9}:\d{1,15}(?:,\d{1,9}:\d{1,15})*$/
const maxLength = 100_000

/** The offset of each partition before which a part of a topic ends. */
export type LetterCursor = ReadonlyMap<number, number>

/** @throws BadRequestError for a text that {@link cursorText} has not returned */
export function parseCursor(text: string): LetterCursor {
  if (text.length > maxLength || !form.test(text))
    throw new BadRequestError('"before" is not the value of "next" in an earlier response')
  return new Map(
    text.split(',').map((part) => {
      const [partition = 0, offset = 0] = part.split(':').map(Number)
      return [partition, offset]
    }),
  )
}

export function cursorText(cursor: LetterCursor): string {
  return [...cursor].map(([partition, offset]) => `${partition}:${offset}`).join(',')
}
