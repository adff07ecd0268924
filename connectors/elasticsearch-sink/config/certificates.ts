import { X509Certificate } from 'node:crypto'

/**
 * Returns whether a text holds certificates in PEM form, each of which can be read. Node ignores the others, and then rejects
 * the server's certificate as unknown.
 */
export function isPem(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g)
  return blocks?.every(isCertificate) ?? false
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).serialNumber !== ''
  } catch {
    return false
  }
}
