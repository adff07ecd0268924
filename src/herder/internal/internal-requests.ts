import type { RawConfig } from '../../api/config-def.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { ConfigBackingStore } from '../../storage/config-backing-store.ts'
import type { ConfigRecord } from '../../storage/config-record.ts'
import type { Membership } from '../group/worker-group.ts'
import { ForbiddenError } from '../herder-errors.ts'
import { checkSignature, type RequestSignature } from './request-signature.ts'
import { SessionKeys, type SessionKeySettings } from './session-keys.ts'
import { TaskConfigWriter, type SendTaskConfigs } from './task-config-writer.ts'

/** A request between workers as it was received: its signature, and the text of its body. */
export interface SignedRequest extends RequestSignature {
  readonly body: string
  /** Whether the client has authenticated, or need not. */
  readonly isTrusted: boolean
}

export interface InternalRequestsOptions {
  readonly configs: Pick<ConfigBackingStore, 'putSessionKey'>
  readonly sessionKeySettings: SessionKeySettings
  /** Sends task configs to the leader. */
  readonly sendTaskConfigs: SendTaskConfigs
  /** Waits until the worker is a member of its group. */
  readonly membership: () => Promise<Membership>
  /** Writes task configs on this worker, which leads. */
  readonly putTasks: (connector: string, configs: readonly RawConfig[]) => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

/** The requests that the workers of a group send each other, and the key that signs them. */
export class InternalRequests {
  readonly #options: InternalRequestsOptions
  readonly #keys: SessionKeys
  readonly #writer: TaskConfigWriter

  constructor(options: InternalRequestsOptions) {
    const { configs, sessionKeySettings, membership, putTasks, sendTaskConfigs, clock, logger } = options
    this.#options = options
    this.#keys = new SessionKeys({
      ...sessionKeySettings,
      write: async (key) => await configs.putSessionKey(key),
      clock,
      logger,
    })
    this.#writer = new TaskConfigWriter({
      membership,
      put: putTasks,
      send: sendTaskConfigs,
      sessionKey: () => this.#keys.current,
      signatureAlgorithm: sessionKeySettings.signatureAlgorithm,
    })
  }

  onMembership({ isLeader, isSigned }: Membership): void {
    this.#keys.setLeading(isLeader && isSigned)
  }

  /** The config topic has a session key. */
  onSessionKey({ key, algorithm, creationTimestamp }: Extract<ConfigRecord, { type: 'session-key' }>): void {
    this.#keys.read({ key: Buffer.from(key, 'base64'), algorithm, createdMs: creationTimestamp })
  }

  /** Writes no key from now on. */
  stop(): void {
    this.#keys.setLeading(false)
  }

  /** Writes the task configs of a connector of this worker to the config topic, as the leader or through it, if they are current. */
  async writeTasks(connector: string, configs: readonly RawConfig[], isCurrent: () => boolean): Promise<void> {
    await this.#writer.write(connector, configs, isCurrent)
  }

  /**
   * Checks the signature, and in a group whose requests are not signed that the client has authenticated.
   * @throws BadRequestError, WorkerStartingError, ForbiddenError
   */
  async check({ body, isTrusted, ...signature }: SignedRequest): Promise<void> {
    const { membership, sessionKeySettings } = this.#options
    const { isSigned } = await membership()
    if (!isSigned && isTrusted) return
    if (!isSigned)
      throw new ForbiddenError('Requests between the workers of this group are not signed: this one needs credentials')
    checkSignature(body, signature, { key: this.#keys.current, allowed: sessionKeySettings.verificationAlgorithms })
  }
}
