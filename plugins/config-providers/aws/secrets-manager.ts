import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type GetSecretValueCommandOutput,
} from '@aws-sdk/client-secrets-manager'
import { ConfigError, RetriableError } from 'penstock/api'

import { secretFields, secretObject } from '../secret-fields.ts'
import type { SecretPath } from '../secret-path.ts'

export interface AwsSettings {
  readonly region: string
  /** Empty: that of the region. */
  readonly endpoint: string
  /** Null: the default chain of the SDK. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null
}

const timeouts = { connectionTimeout: 5_000, requestTimeout: 10_000 }
/** The SDK writes its warnings to the console without one. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/**
 * Returns the fields of a secret with these names, and its whole text under the empty name.
 * @throws ConfigError, RetriableError
 */
export async function readSecret(
  settings: AwsSettings,
  path: SecretPath,
  { keys, signal }: { readonly keys: readonly string[]; readonly signal: AbortSignal },
): Promise<Readonly<Record<string, string>>> {
  const { region, endpoint, credentials } = settings
  const client = new SecretsManagerClient({
    region,
    ...(endpoint === '' ? {} : { endpoint }),
    ...(credentials === null ? {} : { credentials }),
    requestHandler: timeouts,
    logger: silent,
  })
  try {
    const command = new GetSecretValueCommand({ SecretId: path.name, ...versionOf(path) })
    return fieldsOf(await client.send(command, { abortSignal: signal }), path, keys)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error instanceof ConfigError ? error : described(error, settings, path)
  } finally {
    client.destroy()
  }
}

/** The id of a version is a UUID, or another text of 32 to 64 characters. Anything else is a staging label. */
function versionOf({ version }: SecretPath): { readonly VersionId?: string; readonly VersionStage?: string } {
  if (version === null) return {}
  return /^[\w-]{32,64}$/.test(version) ? { VersionId: version } : { VersionStage: version }
}

function fieldsOf(
  { SecretString: text }: GetSecretValueCommandOutput,
  { name }: SecretPath,
  keys: readonly string[],
): Readonly<Record<string, string>> {
  if (text === undefined) throw new ConfigError(`the secret ${name} is binary; only a text can be a setting`)
  const named = keys.filter((key) => key !== '')
  const whole = named.length < keys.length ? { '': text } : {}
  if (named.length === 0) return whole
  const secret = secretObject(text)
  if (secret === null) {
    throw new ConfigError(
      `the secret ${name} is no JSON object, and has no key ${JSON.stringify(named[0])}: leave the key empty for its whole text`,
    )
  }
  return { ...secretFields(secret, named), ...whole }
}

/** What the errors of the service mean for an operator. Their own messages have no values of secrets. */
function described(error: unknown, settings: AwsSettings, { name, version }: SecretPath): Error {
  const { name: code, message, status } = facts(error)
  const which = version === null ? name : `version ${version} of ${name}`
  const at = settings.endpoint === '' ? settings.region : `${settings.region} at ${settings.endpoint}`
  const failed = `the secret ${which} cannot be read from Secrets Manager in ${at}`
  switch (code) {
    case 'ResourceNotFoundException':
      return new ConfigError(`${failed}: there is none with that name and version; check the name and aws.region`)
    case 'AccessDeniedException':
      return new ConfigError(`${failed}: the policies of the identity must allow secretsmanager:GetSecretValue on it`)
    case 'DecryptionFailure':
      return new ConfigError(`${failed}: the identity must be allowed to use its KMS key (kms:Decrypt)`)
    case 'InvalidRequestException':
      return new ConfigError(`${failed}: it is being deleted, or has no value yet; restore or write it`)
    case 'UnrecognizedClientException':
    case 'InvalidClientTokenId':
    case 'InvalidSignatureException':
    case 'IncompleteSignature':
    case 'MissingAuthenticationTokenException':
      return new ConfigError(`${failed}: AWS does not accept the access key (${code}); check the key and its secret`)
    case 'ExpiredTokenException':
      return new ConfigError(`${failed}: the credentials have expired; renew them`)
    case 'CredentialsProviderError':
      return new ConfigError(`${failed}: no credentials were found; see aws.auth.method`)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new RetriableError(`${failed}: the name of the service has no address (${code}); check aws.region and DNS`)
    default: {
      const isFinal = status !== null && status < 500 && status !== 429 && !/Throttl|TooManyRequests/.test(code)
      return isFinal ? new ConfigError(`${failed}: ${code}: ${message}`) : new RetriableError(`${failed} (${code})`)
    }
  }
}

/** The code of a failed connection, or else the name of the error, and the status of the response, if there was one. */
function facts(error: unknown): { readonly name: string; readonly message: string; readonly status: number | null } {
  if (!(error instanceof Error)) return { name: String(error), message: '', status: null }
  const code: unknown = Reflect.get(error, 'code')
  const metadata: unknown = Reflect.get(error, '$metadata')
  const status: unknown =
    typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'httpStatusCode') : null
  return {
    name: typeof code === 'string' && /^E[A-Z_]+$/.test(code) ? code : error.name,
    message: error.message,
    status: typeof status === 'number' ? status : null,
  }
}
