import { errorMessage } from 'penstock/api'
import { S3RefusedError } from './s3-error.ts'
import type { StoreSettings } from '../config/settings.ts'
import type { Credentials } from './sign-request.ts'

/** Hands out credentials that are valid now; `renewed` asks for others than the last ones. */
export type CredentialSource = (renewed: boolean) => Promise<Credentials>

/**
 * Where credentials come from: the config, else the environment, else the usual chain of AWS. The chain is the AWS
 * SDK's; it costs 36 MB of memory and is imported only when it comes to that.
 * @throws S3RefusedError from the source when there are none.
 */
export function credentialSource(
  settings: StoreSettings,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): CredentialSource {
  if (settings.accessKeyId !== '' && settings.secretAccessKey !== '') {
    const { accessKeyId, secretAccessKey } = settings
    return async () => ({ accessKeyId, secretAccessKey, sessionToken: null })
  }
  const fromEnvironment = environmentCredentials(environment)
  if (fromEnvironment !== null) return async () => fromEnvironment
  if (settings.onlyEnvironment) return async () => await Promise.reject(noCredentials('the environment has none'))
  return chain(settings.region)
}

function environmentCredentials(environment: Readonly<Record<string, string | undefined>>): Credentials | null {
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'] ?? ''
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'] ?? ''
  if (accessKeyId === '' || secretAccessKey === '') return null
  const sessionToken = environment['AWS_SESSION_TOKEN'] ?? ''
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken === '' ? null : sessionToken }
}

function chain(region: string): CredentialSource {
  type Provider = (options?: {
    forceRefresh?: boolean
  }) => Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined }>
  let provider: Promise<Provider> | null = null
  const open = async (): Promise<Provider> => {
    const { S3Client } = await import('@aws-sdk/client-s3')
    return new S3Client({ region }).config.credentials
  }
  return async (renewed) => {
    provider ??= open()
    try {
      const { accessKeyId, secretAccessKey, sessionToken } = await (await provider)({ forceRefresh: renewed })
      return { accessKeyId, secretAccessKey, sessionToken: sessionToken ?? null }
    } catch (cause) {
      throw noCredentials(errorMessage(cause), cause)
    }
  }
}

function noCredentials(why: string, cause?: unknown): S3RefusedError {
  return new S3RefusedError(
    `no credentials for the store: ${why}. Set aws.access.key.id and aws.secret.access.key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of the worker`,
    { code: 'S3_CREDENTIALS', ...(cause === undefined ? {} : { cause }) },
  )
}
