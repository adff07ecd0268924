import { errorCodes } from '../../protocol/error-codes.ts'
import { apiVersions } from '../../protocol/messages/api-versions.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * ApiVersions (18), versions 0 to 4.
 *
 * - Lists exactly the handlers of this broker, itself included. No features are listed: clients then stay on the classic
 *   transaction and group protocols.
 * - From version 3 the client names its software; a name that Kafka would reject is rejected.
 * - The router responds to later versions (KIP-511).
 */

/** Letters and digits, with dots and dashes inside. */
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** Serves ApiVersions. */
export const apiVersionsRegistration = register(
  apiVersions,
  ({ handlers }: Needs<'handlers'>) =>
    (request, { apiVersion }) => {
      const { clientSoftwareName, clientSoftwareVersion } = request
      const isNamed = softwareName.test(clientSoftwareName) && softwareName.test(clientSoftwareVersion)
      if (apiVersion >= 3 && !isNamed) return { errorCode: errorCodes.INVALID_REQUEST, apiKeys: [] }
      const apiKeys = handlers()
        .map(({ api, advertised }) => ({ apiKey: api.key, minVersion: advertised[0], maxVersion: advertised[1] }))
        .toSorted((a, b) => a.apiKey - b.apiKey)
      return { errorCode: errorCodes.NONE, apiKeys }
    },
)
