import type { S3ClientConfig } from '@aws-sdk/client-s3'

import type { CredentialSource, StoreSettings } from '../../config/store-settings.ts'

type Keys = Exclude<NonNullable<S3ClientConfig['credentials']>, (...input: never[]) => unknown>

/** Returns credentials; `options` are those that the SDK's client calls its providers with. */
type Provider = (options?: Readonly<Record<string, unknown>>) => Promise<Keys>

type Role = Extract<CredentialSource, { readonly kind: 'role' }>

/** How the SDK finds credentials in one place. Each part of the SDK is loaded when it is asked first. */
const openers: Readonly<Record<'profile' | 'web-identity' | 'container' | 'instance', () => Promise<Provider>>> = {
  profile: async () => (await import('@aws-sdk/credential-provider-ini')).fromIni(),
  'web-identity': async () => (await import('@aws-sdk/credential-provider-web-identity')).fromTokenFile(),
  container: async () => (await import('@aws-sdk/credential-provider-http')).fromHttp(),
  instance: async () => (await import('@smithy/credential-provider-imds')).fromInstanceMetadata(),
}

/** Returns a provider of credentials that come from one place only, as the config says. */
export function placeProvider(kind: keyof typeof openers): Provider {
  return lazily(openers[kind])
}

/**
 * Returns a provider of temporary credentials of a role, which AWS STS gives for those of the config or of the SDK's default chain.
 * @param base keys of the config; null: it has none.
 */
export function roleProvider(role: Role, base: Keys | null): Provider {
  return lazily(async () => {
    const [{ getDefaultRoleAssumer }, source] = await Promise.all([
      import('@aws-sdk/nested-clients/sts'),
      base === null ? defaultChain() : async () => base,
    ])
    let assume: ReturnType<typeof getDefaultRoleAssumer> | null = null
    return async (options) => {
      // The assumer keeps its client.
      assume ??= getDefaultRoleAssumer({
        ...parentOf(options),
        ...(role.region === null ? {} : { region: role.region }),
        ...(role.endpoint === null ? {} : { endpoint: role.endpoint }),
      })
      return await assume(await source(options), {
        RoleArn: role.arn,
        RoleSessionName: role.sessionName,
        ...(role.externalId === null ? {} : { ExternalId: role.externalId }),
      })
    }
  })
}

/** The region and the proxy of the client whose requests are to be signed. */
function parentOf(options: Readonly<Record<string, unknown>> = {}) {
  const { callerClientConfig } = options
  return { parentClientConfig: (callerClientConfig ?? {}) as Record<string, unknown> }
}

async function defaultChain(): Promise<Provider> {
  return (await import('@aws-sdk/credential-provider-node')).defaultProvider()
}

function lazily(open: () => Promise<Provider>): Provider {
  let opened: Promise<Provider> | null = null
  return async (options) => await (await (opened ??= open()))(options)
}

/** The keys of the config; null: it has none. */
export function configuredKeys({ accessKeyId, secretAccessKey }: StoreSettings): Keys | null {
  return accessKeyId === '' || secretAccessKey === '' ? null : { accessKeyId, secretAccessKey }
}
