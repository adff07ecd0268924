import { createHash } from 'node:crypto'

import type { LetterContext } from './letter-context.ts'
import { normalMessage } from './normal-message.ts'

/** What letters of the same cause have in common. */
export interface LetterCause {
  readonly id: string
  readonly stage: string
  readonly className: string
  readonly exception: string
  /** Without its changing parts. */
  readonly message: string
}

const maxNameLength = 300
const idLength = 16

/** Returns why a record is in a dead letter queue, without what changes from record to record. */
export function causeOf(context: Pick<LetterContext, 'stage' | 'className' | 'exception' | 'message'>): LetterCause {
  const [stage, exception, className] = [context.stage, context.exception, context.className].map((name) =>
    name.slice(0, maxNameLength),
  ) as [string, string, string]
  const message = normalMessage(context.message)
  const id = createHash('sha256')
    .update(JSON.stringify([stage, exception, message]))
    .digest('hex')
    .slice(0, idLength)
  return { id, stage, className, exception, message }
}
