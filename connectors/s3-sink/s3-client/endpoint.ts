import type { StoreSettings } from '../config/settings.ts'
import { awsEncode } from './sign-request.ts'

/** Where the bucket's objects are. */
export interface Endpoint {
  readonly origin: URL
  /** The value of the Host header. */
  readonly host: string
  /** What the path begins with: the bucket, or nothing when it stands in the host. */
  readonly prefix: string
}

/** The address of the bucket by the settings. */
export function endpointOf(settings: StoreSettings): Endpoint {
  const url = new URL(addressOf(settings))
  if (settings.pathStyle) return { origin: url, host: url.host, prefix: `/${awsEncode(settings.bucket)}` }
  const origin = new URL(url)
  origin.hostname = `${settings.bucket}.${url.hostname}`
  return { origin, host: origin.host, prefix: '' }
}

function addressOf({ storeUrl, accelerate, region }: StoreSettings): string {
  if (storeUrl !== null) return storeUrl.includes('://') ? storeUrl : `https://${storeUrl}`
  if (accelerate) return 'https://s3-accelerate.amazonaws.com'
  return `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

/** The path of an object; without a key that of the bucket. */
export function pathOf(endpoint: Endpoint, key: string | null): string {
  if (key === null) return endpoint.prefix === '' ? '/' : endpoint.prefix
  return `${endpoint.prefix}/${key.split('/').map(awsEncode).join('/')}`
}
