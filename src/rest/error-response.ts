import type { Operation, RestResponse } from './route.ts'

import { AlreadyExistsError, NotFoundError } from '../api/errors.ts'
import { errorMessage } from '../foundation/error-message.ts'
import { RegistryError } from '../registry/registry-error.ts'
import { ConfigTooLargeError } from '../config/connector/config-too-large-error.ts'
import {
  BadRequestError,
  ForbiddenError,
  NotAssignedError,
  NotLeaderError,
  WorkerStartingError,
  RebalanceNeededError,
  SupersededError,
} from '../herder/herder-errors.ts'
import {
  AccessDeniedError,
  challenge,
  insufficient,
  TooManyLoginsError,
  UnauthorizedError,
} from './access/access-errors.ts'
import { OverloadedError, RestError } from './rest-error.ts'

/** An error with Connect's status and body: `{"error_code":404,"message":"Connector x not found"}`. */
export function errorResponse(error: unknown, route: Operation | null): RestResponse {
  const status = statusOf(error, route)
  const code = error instanceof RegistryError ? error.errorCode : status
  return { status, json: { error_code: code, message: messageOf(error, route) }, ...headersOf(error) }
}

function statusOf(error: unknown, route: Operation | null): number {
  if (error instanceof RestError || error instanceof RegistryError) return error.status
  if (error instanceof BadRequestError || error instanceof ConfigTooLargeError) return 400
  if (error instanceof ForbiddenError) return 403
  if (error instanceof NotFoundError) return 404
  if (error instanceof AlreadyExistsError) return 409
  if (error instanceof NotLeaderError || error instanceof NotAssignedError || error instanceof SupersededError)
    return 409
  if (error instanceof WorkerStartingError) return 503
  if (error instanceof RebalanceNeededError) return route?.forwardable === true ? 409 : 500
  return 500
}

function messageOf(error: unknown, route: Operation | null): string {
  // On writes Connect says what happened to the request; on reads clients match the error's own text.
  if (error instanceof RebalanceNeededError && route?.forwardable === true) {
    return 'Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)'
  }
  return errorMessage(error)
}

function headersOf(error: unknown): Pick<RestResponse, 'headers'> {
  if (error instanceof UnauthorizedError) return { headers: { 'WWW-Authenticate': challenge } }
  if (error instanceof AccessDeniedError) return { headers: { 'WWW-Authenticate': insufficient } }
  if (error instanceof TooManyLoginsError) return { headers: { 'Retry-After': String(error.retryAfterSeconds) } }
  if (error instanceof OverloadedError) return { headers: { 'Retry-After': '1' } }
  return {}
}
