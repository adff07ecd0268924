import type { ParsedConfig, RawConfig } from '../../../api/config-def.ts'
import { ConfigError } from '../../../api/errors.ts'
import { list, optionalText, text } from '../parsed-values.ts'
import { advertisedProtocolOf } from './advertised.ts'
import { allowedMethodsKey, allowedOriginsKey, parseCrossOrigin, type CrossOrigin } from './cross-origin.ts'
import {
  adminListenersKey,
  hostsKey,
  parseListeners,
  restTokenKey,
  type RestListener,
  type RestProtocol,
} from './listener.ts'
import { adminTlsPrefix, forwardTls, listenersTlsPrefix, listenerTls, type ForwardTls } from './listener-tls.ts'
import { parseResponseHeaders, responseHeadersKey, type ResponseHeader } from './response-headers.ts'
import { restLimitsOf, type RestLimits } from './rest-limits.ts'
import { restUsersKey } from './rest-users.ts'

/** The validated settings of the REST API. */
export interface RestSettings {
  readonly listeners: readonly RestListener[]
  /** Those that serve only `/admin`; null: {@link listeners} serve it. */
  readonly adminListeners: readonly RestListener[] | null
  /** The protocol with which other workers reach {@link listeners}. */
  readonly advertisedProtocol: RestProtocol
  /** The TLS of requests to other workers; null: that of the system. */
  readonly forwardTls: ForwardTls | null
  /** The pages of other origins that may call the REST API; null if none may. */
  readonly crossOrigin: CrossOrigin | null
  readonly responseHeaders: readonly ResponseHeader[]
  /** Additional host names of the REST API. */
  readonly listenersHosts: readonly string[]
  readonly restLimits: RestLimits
  /** The file with the token of the REST API; null if clients need none. */
  readonly restTokenFile: string | null
  /** The file with the users of the REST API; null if there are none. */
  readonly restUsersFile: string | null
  /** Whether the REST API hides passwords. */
  readonly restMaskPasswords: boolean
  /** Whether `/docs` and `/openapi.yaml` are served. */
  readonly restDocs: boolean
}

/** @throws ConfigError with the first problem */
export function restSettings(parsed: ParsedConfig, raw: RawConfig): RestSettings {
  const tls = (prefix: string) => () => listenerTls(raw, prefix)
  const listeners = parseListeners(list(parsed['listeners'] ?? null), 'listeners', tls(listenersTlsPrefix))
  const adminListeners = parsed[adminListenersKey] ?? null
  if (listeners.length === 0)
    throw new ConfigError('"listeners" names no listener; set listeners=http://127.0.0.1:8083')
  return {
    listeners,
    adminListeners:
      adminListeners === null ? null : parseListeners(list(adminListeners), adminListenersKey, tls(adminTlsPrefix)),
    advertisedProtocol: advertisedProtocolOf(parsed, listeners),
    forwardTls: forwardTls(
      raw,
      listeners.some((listener) => listener.tls !== undefined),
    ),
    crossOrigin: parseCrossOrigin(text(parsed, allowedOriginsKey), text(parsed, allowedMethodsKey)),
    responseHeaders: parseResponseHeaders(text(parsed, responseHeadersKey)),
    listenersHosts: list(parsed[hostsKey] ?? null),
    restLimits: restLimitsOf(parsed),
    restTokenFile: optionalText(parsed, restTokenKey),
    restUsersFile: optionalText(parsed, restUsersKey),
    restMaskPasswords: parsed['rest.mask.passwords'] === true,
    restDocs: parsed['rest.docs.enable'] === true,
  }
}
