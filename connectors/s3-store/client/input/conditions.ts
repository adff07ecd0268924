import type { StoreOutcome } from '../store-requests.ts'

/** When an object may be put: where none is, over the one with that tag, or whatever is there. */
export type Condition = { readonly kind: 'absent' | 'any' } | { readonly kind: 'tag'; readonly tag: string }

/** How putting an object ended. */
export type PutOutcome = 'done' | 'precondition-failed' | 'no-such-upload' | 'conditions-unknown'

/** The parameter of a request that carries a condition. */
export function conditionInput(condition: Condition): { readonly IfNoneMatch?: '*'; readonly IfMatch?: string } {
  if (condition.kind === 'absent') return { IfNoneMatch: '*' }
  return condition.kind === 'tag' ? { IfMatch: condition.tag } : {}
}

/** What the outcome of a request that makes an object appear means. */
export function putOutcome({ verdict }: StoreOutcome<unknown>): PutOutcome {
  switch (verdict) {
    case 'precondition-failed':
    case 'no-such-upload':
    case 'conditions-unknown':
      return verdict
    // If-Match finds no object: the one to replace is gone.
    case 'not-found':
      return 'precondition-failed'
    default:
      return 'done'
  }
}
