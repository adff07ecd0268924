import { clipped } from '../../foundation/logging/clipped.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { initProducerId } from '../../protocol/messages/init-producer-id.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * InitProducerId (22), versions 0 to 5: an id that was never given out, with epoch 0. An idempotent producer that comes again
 * with its id (v3) gets a fresh one too, as from Kafka. Transactional producers are refused: a code that their clients take for
 * final, and the reason in the broker's log, for the answer has no place for it.
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
        const text = 'a transactional producer was refused: the embedded broker serves no transactions'
        streaks.log('warn', cause, text, { clientId, transactionalId: clipped(transactionalId) })
        return refused(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
      }
      if (producerId < 0 !== producerEpoch < 0) return refused(errorCodes.INVALID_REQUEST)
      try {
        return { errorCode: errorCodes.NONE, producerId: await producerIds.take(), producerEpoch: 0 }
      } catch (error) {
        const cause = { kind: 'producer ids', client: clientHost }
        streaks.log('error', cause, 'no producer ids could be reserved', { cause: String(error) })
        return refused(errorCodes.COORDINATOR_NOT_AVAILABLE)
      }
    },
)

function refused(errorCode: number): { errorCode: number; producerId: number; producerEpoch: number } {
  return { errorCode, producerId: -1, producerEpoch: -1 }
}
