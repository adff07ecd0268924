export const allowedOriginsKey = 'access.control.allow.origin'
export const allowedMethodsKey = 'access.control.allow.methods'

/** Which pages of other origins may call the REST API from a browser. */
export interface CrossOrigin {
  /** `http://host:port`. An asterisk stands for any characters; alone, it allows all origins. */
  readonly origins: readonly string[]
  readonly methods: readonly string[]
}

/** The methods that Connect allows unless the setting names others. */
const defaultMethods = ['GET', 'POST', 'HEAD']

/** Parses the two settings, lists separated by commas. Null: no other origin may call the API. */
export function parseCrossOrigin(origins: string, methods: string): CrossOrigin | null {
  const allowed = listed(origins)
  if (allowed.length === 0) return null
  const named = listed(methods)
  return { origins: allowed, methods: named.length === 0 ? defaultMethods : named }
}

/** Returns warnings for origins that no browser sends, and for any page that may call an API without authentication. */
export function crossOriginWarnings(crossOrigin: CrossOrigin | null, hasToken: boolean): readonly string[] {
  if (crossOrigin === null) return []
  const { origins } = crossOrigin
  const warnings = origins
    .filter((origin) => !/^(?:\*|null|[a-z][a-z\d+.*-]*:\/\/[^/\s]+)$/.test(origin))
    .map((origin) => `"${allowedOriginsKey}" lists "${origin}", which is no origin. Write it as http://host:port`)
  if (hasToken || !origins.includes('*')) return warnings
  return [
    ...warnings,
    `"${allowedOriginsKey}" allows all origins, and the REST API needs no token: any page that a browser on a machine with access opens can run connectors and read their data. List the origins, or set rest.token.file`,
  ]
}

function listed(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
