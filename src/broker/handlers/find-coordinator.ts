import { errorCodes } from '../../protocol/error-codes.ts'
import { findCoordinator } from '../../protocol/messages/find-coordinator.ts'
import type { BrokerState } from '../broker-state.ts'
import { defineHandler, type Handler } from '../handler.ts'

/*
 * FindCoordinator (10), versions 0 to 5: this broker, for every group. From version 4 on several keys at once. Transactions are
 * not served: key type 1 is refused, with the reason as its message.
 */

const groupKey = 0

interface Coordinator {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Serves FindCoordinator. */
export function findCoordinatorHandler(state: Pick<BrokerState, 'node'>): Handler {
  return defineHandler(findCoordinator, (request, { apiVersion }) => {
    if (apiVersion < 4) return find(state, request.key, request.keyType)
    return {
      coordinators: request.coordinatorKeys.map((key) => ({ key, ...find(state, key, request.keyType) })),
    }
  })
}

function find(state: Pick<BrokerState, 'node'>, key: string, keyType: number): Coordinator {
  if (keyType !== groupKey) {
    const errorMessage = 'Transactions are not served by the embedded broker.'
    return refused(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, errorMessage)
  }
  if (key === '') return refused(errorCodes.INVALID_GROUP_ID, 'The configured groupId is invalid.')
  return { ...state.node(), errorCode: errorCodes.NONE, errorMessage: null }
}

function refused(errorCode: number, errorMessage: string): Coordinator {
  return { nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}
