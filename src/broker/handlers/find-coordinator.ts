import { clipped } from '../../foundation/logging/clipped.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { findCoordinator } from '../../protocol/messages/find-coordinator.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * FindCoordinator (10), versions 0 to 5: this broker, for every group. From version 4 on for several keys.
 *
 * Transactions are not supported. FindCoordinator is the first request of a transactional producer, so it is rejected here, with
 * the reason as message. The error code depends on the client: librdkafka (up to version 2) retries every code except an
 * authorization failure, and shows the message. The Java client (later versions) does not retry codes that it does not expect,
 * and shows the message except that of an authorization failure.
 */

const groupKey = 0
const transactionKey = 1

const noTransactions =
  'The embedded broker does not support transactions. Use an idempotent producer, or a Kafka cluster.'

interface Coordinator {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Serves FindCoordinator. */
export const findCoordinatorRegistration = register(
  findCoordinator,
  (state: Needs<'node' | 'streaks'>) =>
    (request, { apiVersion, clientId, clientHost }) => {
      if (request.keyType === transactionKey) {
        const transactionalIds = apiVersion < 4 ? [request.key] : request.coordinatorKeys
        const cause = { kind: 'transactional producer', client: clientHost }
        const fields = { clientId, transactionalIds: transactionalIds.slice(0, 3).map((id) => clipped(id)) }
        state.streaks.log('warn', cause, `rejected a transactional producer: ${noTransactions}`, fields)
      }
      if (apiVersion < 4) return find(state, request.key, request.keyType, apiVersion)
      return {
        coordinators: request.coordinatorKeys.map((key) => ({ key, ...find(state, key, request.keyType, apiVersion) })),
      }
    },
)

function find(state: Needs<'node'>, key: string, keyType: number, apiVersion: number): Coordinator {
  if (keyType === transactionKey) {
    const { TRANSACTIONAL_ID_AUTHORIZATION_FAILED, UNSUPPORTED_VERSION } = errorCodes
    return refused(apiVersion <= 2 ? TRANSACTIONAL_ID_AUTHORIZATION_FAILED : UNSUPPORTED_VERSION, noTransactions)
  }
  if (keyType !== groupKey) return refused(errorCodes.INVALID_REQUEST, `Key type ${keyType} is unknown.`)
  if (key === '') return refused(errorCodes.INVALID_GROUP_ID, 'The configured groupId is invalid.')
  return { ...state.node(), errorCode: errorCodes.NONE, errorMessage: null }
}

function refused(errorCode: number, errorMessage: string): Coordinator {
  return { nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}
