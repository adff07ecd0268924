import type { Encryption } from '../../config/store-settings.ts'

/** The parameters that choose the encryption of a new object. */
export interface EncryptionInput extends CustomerKeyInput {
  readonly ServerSideEncryption?: 'AES256' | 'aws:kms'
  readonly SSEKMSKeyId?: string
}

/** The parameters that every request needs for an object that is encrypted with the customer's key; the SDK adds its MD5. */
export interface CustomerKeyInput {
  readonly SSECustomerAlgorithm?: 'AES256'
  readonly SSECustomerKey?: string
}

/** The parameters of a request that creates an object or an upload. */
export function encryptionInput(encryption: Encryption | null): EncryptionInput {
  switch (encryption?.kind) {
    case undefined:
      return {}
    case 'AES256':
      return { ServerSideEncryption: 'AES256' }
    case 'kms':
      return {
        ServerSideEncryption: 'aws:kms',
        ...(encryption.keyId === null ? {} : { SSEKMSKeyId: encryption.keyId }),
      }
    case 'customer':
      return customerKeyInput(encryption)
  }
}

/** The parameters of a request about an object or a part that exists. */
export function customerKeyInput(encryption: Encryption | null): CustomerKeyInput {
  if (encryption?.kind !== 'customer') return {}
  return { SSECustomerAlgorithm: 'AES256', SSECustomerKey: encryption.key.toString('base64') }
}
