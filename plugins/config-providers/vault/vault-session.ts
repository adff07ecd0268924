import { readFile } from 'node:fs/promises'

import { ConfigError, RetriableError, errorMessage } from 'penstock/api'

import { readCredentialFile } from '../read-secret-file.ts'
import { objectOf, secretFields } from '../secret-fields.ts'
import { secretPath, type SecretPath } from '../secret-path.ts'
import { VaultHttp, type VaultRequest, type VaultResponse } from './vault-http.ts'
import type { Credential, VaultSettings } from './vault-settings.ts'

/** How long the revocation of a token may take. Milliseconds. */
const revokeMs = 1000
const maxErrorLength = 200

/** A token, and whether this session has got it by a login. */
interface Token {
  readonly value: string
  readonly isOwn: boolean
}

/** Reads secrets of KV engines, with one login. The token of a login is revoked at the end. */
export class VaultSession {
  readonly #settings: VaultSettings
  /** Texts that no message may have (I8). */
  readonly #credentials = new Set<string>()
  /** By the path of the reference. */
  readonly #leases = new Map<string, number>()
  #http: Promise<VaultHttp> | null = null
  #token: Promise<Token> | null = null

  constructor(settings: VaultSettings) {
    this.#settings = settings
  }

  /** Returns the fields of the secret with these names. @throws ConfigError, RetriableError */
  async read(
    reference: string,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    const path = secretPath(reference)
    this.#token ??= this.#login(signal)
    const { value: token } = await this.#token
    const { mount, version } = await this.#engineOf(path.name, token, signal)
    const { engineVersion } = this.#settings
    if (engineVersion !== null && engineVersion !== version) {
      throw new ConfigError(`${mount} has version ${version} of KV, but vault.engine.version is ${engineVersion}`)
    }
    const inside = trimmed(path.name).slice(mount.length)
    if (inside === '') throw new ConfigError(`${path.name} is the mount of an engine, not a secret in it`)
    if (version === 1 && path.version !== null) {
      throw new ConfigError(`${mount} has version 1 of KV, which keeps no versions: remove ?version=${path.version}`)
    }
    const asked = version === 1 ? encoded(`${mount}${inside}`) : encoded(`${mount}data/${inside}`)
    const query = path.version === null ? '' : `?version=${encodeURIComponent(path.version)}`
    const response = await this.#send({ method: 'GET', path: asked + query, token }, signal)
    if (response.status === 404) throw this.#notFound(path, version, response)
    if (response.status !== 200) throw await this.#refused(`read ${asked}${query}`, token, response, signal)
    const data = objectOf(response.body['data']) ?? {}
    // A number is kept as it was written: see `secretObject`.
    const leaseMs = Number(JSON.stringify(response.body['lease_duration'] ?? 0)) * 1000
    if (leaseMs > 0) this.#leases.set(reference, leaseMs)
    return secretFields(version === 1 ? data : (objectOf(data['data']) ?? {}), keys)
  }

  /** Returns for how long Vault says that the secret can be used, in milliseconds; null if it does not. */
  leaseMs(reference: string): number | null {
    return this.#leases.get(reference) ?? null
  }

  /** Revokes the token of the login, so that restarts leave none behind in Vault. */
  async close(): Promise<void> {
    const token = await this.#token?.catch(() => null)
    if (token?.isOwn !== true) return
    const request = { method: 'POST', path: 'auth/token/revoke-self', token: token.value } as const
    await this.#send(request, AbortSignal.timeout(revokeMs))
  }

  async #login(signal: AbortSignal): Promise<Token> {
    const { auth } = this.#settings
    if (auth.method === 'token') return { value: await this.#credential(auth.token), isOwn: false }
    const { method, mount, user, fields, settings } = auth
    const body = { ...fields, [auth.credentialField]: await this.#credential(auth.credential) }
    const path = `auth/${encoded(mount)}/login${user === null ? '' : `/${encodeURIComponent(user)}`}`
    const response = await this.#send({ method: 'POST', path, body }, signal)
    const token = objectOf(response.body['auth'])?.['client_token']
    if (response.status === 200 && typeof token === 'string' && token !== '') {
      this.#credentials.add(token)
      return { value: token, isOwn: true }
    }
    const what = `Vault refuses the login with ${method} at ${path} (${this.#said(response)})`
    throw this.#unavailable(what, response) ?? new ConfigError(`${what}; check ${settings}, and the role in Vault`)
  }

  /** Returns the engine that holds a secret, as Vault's command line finds it. Other engines than KV are refused. */
  async #engineOf(
    name: string,
    token: string,
    signal: AbortSignal,
  ): Promise<{ readonly mount: string; readonly version: 1 | 2 }> {
    const request = { method: 'GET', path: `sys/internal/ui/mounts/${encoded(name)}`, token } as const
    const response = await this.#send(request, signal)
    if (response.status !== 200) throw await this.#refused(`use the mount of ${trimmed(name)}`, token, response, signal)
    const data = objectOf(response.body['data']) ?? {}
    const mount = String(data['path'] ?? '')
    const type = String(data['type'] ?? '')
    // Another engine creates credentials at each read, or has what is not for connectors, such as the token itself.
    if (type !== 'kv' && type !== 'generic') {
      throw new ConfigError(`${mount} is an engine of type ${type}; only secrets of KV engines can be read`)
    }
    if (mount === '' || !`${trimmed(name)}/`.startsWith(mount)) {
      throw new ConfigError(
        `${name} is not below the mount ${mount}; set vault.namespace, and leave it out of the path`,
      )
    }
    return { mount, version: String(objectOf(data['options'])?.['version'] ?? '1') === '2' ? 2 : 1 }
  }

  async #send(request: VaultRequest, signal: AbortSignal): Promise<VaultResponse> {
    this.#http ??= this.#open()
    return await (await this.#http).send(request, signal)
  }

  async #open(): Promise<VaultHttp> {
    const { address, namespace, authorityFile } = this.#settings
    if (authorityFile === null) return new VaultHttp(address, namespace, null)
    try {
      return new VaultHttp(address, namespace, await readFile(authorityFile, 'utf8'))
    } catch (cause) {
      throw new ConfigError(`vault.pem: ${errorMessage(cause)}`, { cause })
    }
  }

  async #credential(credential: Credential): Promise<string> {
    const value = 'value' in credential ? credential.value : await readCredentialFile(credential.file)
    this.#credentials.add(value)
    return value
  }

  #notFound({ name, version }: SecretPath, engine: 1 | 2, response: VaultResponse): ConfigError {
    const metadata = objectOf(objectOf(response.body['data'])?.['metadata'])
    const which = version === null ? name : `version ${version} of ${name}`
    if (metadata !== null) {
      const how = metadata['destroyed'] === true ? 'was destroyed' : 'was deleted'
      return new ConfigError(`${which} ${how}; write the secret again, or name another version with ?version=`)
    }
    const hint = engine === 2 && /^[^/]+\/data\//.test(name) ? '; write the path without data/' : ''
    return new ConfigError(`there is no secret at ${which}${hint}`)
  }

  async #refused(what: string, token: string, response: VaultResponse, signal: AbortSignal): Promise<Error> {
    const said = `Vault refuses to ${what} (${this.#said(response)})`
    const unavailable = this.#unavailable(said, response)
    if (unavailable !== null) return unavailable
    if (response.status !== 403) return new ConfigError(said)
    const lookup = await this.#send({ method: 'GET', path: 'auth/token/lookup-self', token }, signal)
    return new ConfigError(
      lookup.status === 403
        ? `${said}: the token is not valid, has expired or was revoked; give the worker another one`
        : `${said}: the mount must exist, and the policies of the token must allow "read" there`,
    )
  }

  /** Returns the error when another request may succeed later; null when not. */
  #unavailable(said: string, { status, body }: VaultResponse): RetriableError | null {
    if (status !== 412 && status !== 429 && status < 500 && status !== 472 && status !== 473) return null
    const isSealed = JSON.stringify(body['errors'] ?? '').includes('sealed')
    return new RetriableError(isSealed ? `${said}: unseal it` : said)
  }

  /** Vault's words, without the credentials of this session. */
  #said({ status, body }: VaultResponse): string {
    const errors = Array.isArray(body['errors']) ? body['errors'].map(String) : []
    let text = errors.join(', ').replaceAll(/\s+/g, ' ').trim()
    for (const credential of this.#credentials) text = text.replaceAll(credential, '[hidden]')
    return text === '' ? String(status) : `${status}: ${text.slice(0, maxErrorLength)}`
  }
}

function trimmed(name: string): string {
  return name.replace(/^\/+/, '')
}

/** @throws ConfigError for segments that would lead elsewhere */
function encoded(path: string): string {
  const segments = trimmed(path).split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new ConfigError(`${path} is not the path of a secret: it has an empty segment, "." or ".."`)
  }
  return segments.map(encodeURIComponent).join('/')
}
