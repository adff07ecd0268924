/** What the header `Authorization` of a request shows. */
export type Credentials =
  | { readonly scheme: 'bearer'; readonly token: string }
  | { readonly scheme: 'basic'; readonly user: string; readonly password: string }

/** Returns null for a missing header, another scheme, or one that is malformed. */
export function credentialsOf(authorization: string | undefined): Credentials | null {
  const [, scheme = '', text = ''] = /^(\S+) +(\S+) *$/.exec(authorization ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', token: text }
  if (scheme.toLowerCase() !== 'basic') return null
  const pair = Buffer.from(text, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon < 0 ? null : { scheme: 'basic', user: pair.slice(0, colon), password: pair.slice(colon + 1) }
}
