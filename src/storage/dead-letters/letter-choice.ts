import { createHash } from 'node:crypto'

import { causeOf } from './letter-cause.ts'
import type { LetterContext } from './letter-context.ts'

/** Which dead letters of a connector are meant; null means any. */
export interface LetterChoice {
  /** The id of a cause. */
  readonly cause: string | null
  /** The {@link keyDigest} of the record's key. */
  readonly key: string | null
}

/** Names a key of a record, by its bytes. Records without a key have a name as well. */
export function keyDigest(key: Buffer | null): string {
  return key === null ? 'none' : createHash('sha256').update(key).digest('base64url').slice(0, 22)
}

export function chooses(choice: LetterChoice, context: LetterContext, key: Buffer | null): boolean {
  if (choice.cause !== null && choice.cause !== causeOf(context).id) return false
  return choice.key === null || choice.key === keyDigest(key)
}

export function isSameChoice(one: LetterChoice, other: LetterChoice): boolean {
  return one.cause === other.cause && one.key === other.key
}
