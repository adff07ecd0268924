import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { errorMessage } from 'penstock/api'

import { S3RefusedError, S3UnavailableError } from '../s3-error.ts'
import { configuredKeys, placeProvider, roleProvider } from './providers.ts'
import type { StoreSettings } from '../../config/store-settings.ts'

/**
 * The `credentials` setting of the SDK's client: a role, or else the keys of the config, or else the place that it names. Without
 * one, these are the environment and the rest of the SDK's default chain (profile, container, instance).
 */
export function credentialInput(
  settings: StoreSettings,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Pick<S3ClientConfig, 'credentials'> {
  const { credentials } = settings
  const keys = configuredKeys(settings)
  if (credentials.kind === 'role') return { credentials: roleProvider(credentials, keys) }
  if (keys !== null) return { credentials: keys }
  if (credentials.kind !== 'chain' && credentials.kind !== 'environment')
    return { credentials: placeProvider(credentials.kind) }
  const found = environmentCredentials(environment)
  if (found !== null) return { credentials: found }
  return credentials.kind === 'environment'
    ? { credentials: async () => await Promise.reject(noCredentials('the environment has none')) }
    : {}
}

function environmentCredentials(environment: Readonly<Record<string, string | undefined>>) {
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'] ?? ''
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'] ?? ''
  if (accessKeyId === '' || secretAccessKey === '') return null
  const sessionToken = environment['AWS_SESSION_TOKEN'] ?? ''
  return { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) }
}

interface ProviderError {
  readonly name?: unknown
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The error for requests that cannot be signed: {@link S3UnavailableError} when the service of the credentials may respond later. */
export function credentialsError(error: unknown): Error {
  if (error instanceof S3RefusedError) return error
  const text = errorMessage(error)
  return isTransient(error)
    ? new S3UnavailableError('the credentials for the store cannot be renewed', text, error)
    : noCredentials(text, error)
}

const connectionCodes = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

/** Whether a service that gives credentials did not respond, or is overloaded. */
function isTransient(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { name, code, $metadata }: ProviderError = error
  const status = $metadata?.httpStatusCode
  if (status !== undefined) return status >= 500 || status === 429
  return name === 'TimeoutError' || (typeof code === 'string' && connectionCodes.has(code))
}

/** Says that requests cannot be signed. */
function noCredentials(why: string, cause?: unknown): S3RefusedError {
  return new S3RefusedError(
    `no credentials for the store: ${why.replace(/\.$/, '')}. Set aws.access.key.id and aws.secret.access.key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of the worker, or the place where s3.credentials.provider.class looks for them`,
    { code: 'S3_CREDENTIALS', ...(cause === undefined ? {} : { cause }) },
  )
}
