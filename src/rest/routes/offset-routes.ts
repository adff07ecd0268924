import type { PlainMap } from '../../api/schema.ts'
import type { RequestedOffset } from '../../herder/offsets/offset-changes.ts'

import { BadRequestError } from '../../herder/herder-errors.ts'
import { asNumber, objectOf, objectWith, parseBody } from '../request/json-body.ts'
import { malformed, RestError } from '../rest-error.ts'
import { param, type Route } from '../route.ts'
import { shows } from './connector-operation.ts'

const path = '/connectors/{connector}/offsets'

/** The offsets of connectors: read at any time, changed while the connector is stopped (KIP-875). */
export const offsetRoutes: readonly Route[] = [
  shows(['getConnectorOffsets', '/offsets'], async (herder, connector, signal) => {
    const offsets = await herder.connectorOffsets(connector, signal)
    return { offsets: offsets.map(({ partition, offset }) => ({ partition, offset })) }
  }),
  {
    operationId: 'alterConnectorOffsets',
    method: 'PATCH',
    path,
    needs: { role: 'admin', of: 'connector' },
    forwardable: true,
    async handle(request, { herder }) {
      const offsets = requestedOffsets(request.body)
      const message = await herder.alterConnectorOffsets(param(request, 'connector'), offsets, request.signal)
      return { status: 200, json: { message } }
    },
  },
  {
    operationId: 'resetConnectorOffsets',
    method: 'DELETE',
    path,
    needs: { role: 'admin', of: 'connector' },
    forwardable: true,
    async handle(request, { herder }) {
      const message = await herder.resetConnectorOffsets(param(request, 'connector'), request.signal)
      return { status: 200, json: { message } }
    },
  },
]

/** `{"offsets":[{"partition":{…},"offset":{…}}]}`. @throws RestError, BadRequestError when it names no offset */
function requestedOffsets(body: string): readonly RequestedOffset[] {
  const parsed = parseBody(body, asNumber)
  const { offsets = null } = parsed === null ? {} : objectWith(parsed, 'body with "offsets"', ['offsets'])
  if (offsets !== null && !Array.isArray(offsets)) throw new RestError(malformed, '"offsets" is not an array')
  if (offsets === null || offsets.length === 0) {
    throw new BadRequestError('Partitions / offsets need to be provided for an alter offsets request')
  }
  return offsets.map((item: unknown) => {
    const { partition, offset } = objectWith(item, 'element of "offsets"', ['partition', 'offset'])
    return { partition: mapOf(partition, 'partition'), offset: mapOf(offset, 'offset') }
  })
}

function mapOf(value: unknown, what: string): PlainMap | null {
  return value === null || value === undefined ? null : (objectOf(value, what) as PlainMap)
}
