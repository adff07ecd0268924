import { clipped } from '../../foundation/logging/clipped.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { initProducerId } from '../../protocol/messages/init-producer-id.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * InitProducerId (22), versions 0 to 5: an unused id, with epoch 0. An idempotent producer that sends its current id (v3) also
 * receives a new one, as from Kafka. Transactional producers are rejected, with an error code that clients do not retry. The
 * reason is in the broker's logs, because the response has no field for it.
 */

/** Serves InitProducerId. */
export const initProducerIdRegistration = register(
  initProducerId,
  ({ producerIds, streaks }: Needs<'producerIds' | 'streaks'>) =>
    async (request, { clientId, clientHost }) => {
      const { transactionalId, producerId, producerEpoch } = request
      if (transactionalId === '') return refused(errorCodes.INVALID_REQUEST)
      if (transactionalId !== null) {
        const cause = { kind: 'transactional producer id', client: clientHost }
        const text = 'rejected a transactional producer: the embedded broker does not support transactions'
        streaks.log('warn', cause, text, { clientId, transactionalId: clipped(transactionalId) })
        return refused(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
      }
      if (producerId < 0 !== producerEpoch < 0) return refused(errorCodes.INVALID_REQUEST)
      try {
        return { errorCode: errorCodes.NONE, producerId: await producerIds.take(), producerEpoch: 0 }
      } catch (error) {
        const cause = { kind: 'producer ids', client: clientHost }
        streaks.log('error', cause, 'could not reserve producer ids', { cause: String(error) })
        return refused(errorCodes.COORDINATOR_NOT_AVAILABLE)
      }
    },
)

function refused(errorCode: number): { errorCode: number; producerId: number; producerEpoch: number } {
  return { errorCode, producerId: -1, producerEpoch: -1 }
}
