import type { S3ClientConfig } from '@aws-sdk/client-s3'

import { S3RefusedError } from './s3-error.ts'
import type { StoreSettings } from '../config/store-settings.ts'

/**
 * The `credentials` setting of the SDK's client: the keys of the config, or those of the environment. Without either, the SDK
 * asks its default chain (profile, container, instance), unless the config allows the environment only.
 */
export function credentialInput(
  settings: StoreSettings,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Pick<S3ClientConfig, 'credentials'> {
  const { accessKeyId, secretAccessKey, onlyEnvironment } = settings
  if (accessKeyId !== '' && secretAccessKey !== '') return { credentials: { accessKeyId, secretAccessKey } }
  const found = environmentCredentials(environment)
  if (found !== null) return { credentials: found }
  return onlyEnvironment
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

/** Says that requests cannot be signed. */
export function noCredentials(why: string, cause?: unknown): S3RefusedError {
  return new S3RefusedError(
    `no credentials for the store: ${why}. Set aws.access.key.id and aws.secret.access.key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of the worker`,
    { code: 'S3_CREDENTIALS', ...(cause === undefined ? {} : { cause }) },
  )
}
