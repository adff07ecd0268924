import { errorCodes } from '../../protocol/error-codes.ts'
import { saslAuthenticate } from '../../protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../protocol/messages/sasl-handshake.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { mechanism } from '../server/authentication.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * SaslHandshake (17), version 1, and SaslAuthenticate (36), versions 0 to 2 (KIP-43, KIP-152); served if the broker has
 * credentials.
 *
 * - PLAIN is the only mechanism. SaslHandshake 0, after which tokens are sent without a Kafka header, closes the connection. It
 *   is listed because librdkafka assumes that a broker without it does not support SASL.
 * - A rejected client receives Kafka's error code; then the connection is closed.
 * - After authentication both respond with ILLEGAL_SASL_STATE, as a broker without `connections.max.reauth.ms` does.
 */

const wrongCredentials = 'Authentication failed: Invalid username or password'

const isServed = ({ authenticates }: Needs<'authenticates'>): boolean => authenticates

/** Serves SaslHandshake. */
export const saslHandshakeRegistration = register(
  saslHandshake,
  () =>
    (request, { apiVersion, session }) => {
      if (session === null || session.state === 'authenticated')
        return { errorCode: errorCodes.ILLEGAL_SASL_STATE, mechanisms: [] }
      if (apiVersion === 0) throw new ProtocolError('it sent SaslHandshake v0; v1 is served')
      if (session.state !== 'begun') {
        session.refuse('it sent SaslHandshake twice')
        return { errorCode: errorCodes.ILLEGAL_SASL_STATE, mechanisms: [] }
      }
      if (request.mechanism !== mechanism) {
        session.refuse(`it asked for another mechanism than ${mechanism}`)
        return { errorCode: errorCodes.UNSUPPORTED_SASL_MECHANISM, mechanisms: [mechanism] }
      }
      session.agree()
      return { errorCode: errorCodes.NONE, mechanisms: [mechanism] }
    },
  { isServed },
)

/** Serves SaslAuthenticate. */
export const saslAuthenticateRegistration = register(
  saslAuthenticate,
  () =>
    async (request, { session, signal }) => {
      const refused = (errorCode: number, errorMessage: string) => ({
        errorCode,
        errorMessage,
        authBytes: Buffer.alloc(0),
      })
      if (session === null || session.state === 'authenticated') {
        const text = 'SaslAuthenticate request received after successful authentication'
        return refused(errorCodes.ILLEGAL_SASL_STATE, text)
      }
      if (session.state !== 'agreed') {
        session.refuse('it sent SaslAuthenticate without SaslHandshake')
        return refused(errorCodes.ILLEGAL_SASL_STATE, 'SaslAuthenticate request received before SaslHandshake')
      }
      const isUser = await session.authenticate(request.authBytes, signal)
      if (!isUser) return refused(errorCodes.SASL_AUTHENTICATION_FAILED, wrongCredentials)
      return { errorCode: errorCodes.NONE, errorMessage: null, authBytes: Buffer.alloc(0) }
    },
  { isServed },
)
