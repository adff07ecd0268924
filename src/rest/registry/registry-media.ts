import type { IncomingMessage } from 'node:http'

import { httpError } from '../rest-error.ts'
import { acceptedTypes, bodyTypeOf } from '../request/media-types.ts'
import { hasBody } from '../request/request-body.ts'

/** The types of the registry's responses, the preferred one first. */
const responseTypes = [
  'application/vnd.schemaregistry.v1+json',
  'application/vnd.schemaregistry+json',
  'application/json',
] as const
/** The types that bodies of requests may have; some clients declare none of JSON. */
const requestTypes: ReadonlySet<string> = new Set([...responseTypes, 'application/octet-stream'])

/** @throws RestError 415 for a body of another type, 406 for a client that accepts none of the registry's types */
export function checkRegistryMedia(message: IncomingMessage): void {
  const type = bodyTypeOf(message)
  if (hasBody(message) && (type === undefined || !requestTypes.has(type))) throw httpError(415)
  responseTypeOf(message.headers.accept)
}

/** The type of the response to a client. @throws RestError 406 when it accepts none of the registry's */
export function responseTypeOf(accept: string | undefined): string {
  if (accept === undefined) return responseTypes[0]
  const accepted = acceptedTypes(accept).flatMap(({ type, parameters }, place) => {
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    return weight > 0 ? [{ type, weight, place }] : []
  })
  const byPreference = accepted.toSorted((a, b) => b.weight - a.weight || a.place - b.place)
  for (const { type } of byPreference) {
    if (type === '*/*' || type === 'application/*') return responseTypes[0]
    const known = responseTypes.find((one) => one === type)
    if (known !== undefined) return known
  }
  throw httpError(406)
}
