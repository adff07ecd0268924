import type { RawConfig } from '../../api/config-def.ts'
import type { Membership } from '../group/worker-group.ts'
import { NotLeaderError, WorkerStartingError } from '../herder-errors.ts'
import { signedHeaders } from './request-signature.ts'
import type { SessionKey } from './session-keys.ts'

/** Sends task configs to another worker. Rejects unless they were written. */
export type SendTaskConfigs = (to: {
  /** The worker's REST URL. */
  readonly url: string
  readonly connector: string
  /** The JSON text of the task configs. */
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}) => Promise<void>

export interface TaskConfigWriterOptions {
  /** Waits until the worker is a member of its group. */
  readonly membership: () => Promise<Membership>
  /** Writes them on this worker, which leads. */
  readonly put: (connector: string, configs: readonly RawConfig[]) => Promise<void>
  readonly send: SendTaskConfigs
  readonly sessionKey: () => SessionKey | null
  readonly signatureAlgorithm: string
}

/** Writes the task configs of connectors of this worker. Only the leader writes to the config topic: others send it the configs. */
export class TaskConfigWriter {
  readonly #options: TaskConfigWriterOptions

  constructor(options: TaskConfigWriterOptions) {
    this.#options = options
  }

  /**
   * @param isCurrent whether the configs are still those to write: the worker may have waited long for its group
   * @throws ConnectError; the same configs can be written again
   */
  async write(connector: string, configs: readonly RawConfig[], isCurrent: () => boolean): Promise<void> {
    const { membership, put, send } = this.#options
    const { isLeader, leaderUrl, isSigned } = await membership()
    if (!isCurrent()) return
    if (isLeader) return await put(connector, configs)
    if (leaderUrl === null) throw new NotLeaderError('Only the leader can write task configs.', null)
    const body = JSON.stringify(configs)
    await send({ url: leaderUrl, connector, body, headers: isSigned ? this.#signed(body) : {} })
  }

  #signed(body: string): Readonly<Record<string, string>> {
    const { sessionKey, signatureAlgorithm } = this.#options
    const key = sessionKey()
    if (key === null) throw new WorkerStartingError('The leader has not written a session key to the config topic yet')
    return signedHeaders(key, signatureAlgorithm, body)
  }
}
