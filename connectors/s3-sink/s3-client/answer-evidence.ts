import type { HttpAnswer } from './http-exchange.ts'
import { xmlText } from './s3-error.ts'

/**
 * A header, or an element of the body, that each success of the store carries. A status of 200 alone proves nothing: a
 * proxy, a login page or a load balancer without a backend gives one too, and the object is then nowhere.
 */
export type Evidence = { readonly header: string } | { readonly element: string }

/** Every S3 store gives the tag of what it stored, and of what is there. */
export const tagHeader: Evidence = { header: 'etag' }

/** Null when the answer is the store's own and whole; else what speaks against it. */
export function doubtOf({ status, headers, body }: HttpAnswer, evidence: Evidence): string | null {
  const carries =
    'header' in evidence ? (headers[evidence.header] ?? '') !== '' : xmlText(body, evidence.element) !== null
  if (carries) return null
  const missing = 'header' in evidence ? `header ${evidence.header}` : `element ${evidence.element}`
  return `the answer, HTTP ${status}, has no ${missing}: it was cut off, or something before the store gave it`
}
