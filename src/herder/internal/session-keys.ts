import { randomBytes } from 'node:crypto'

import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { Logger } from '../../foundation/logging/logger.ts'

/** The key with which the workers of a group sign their requests to each other; it is in the config topic (KIP-507). */
export interface SessionKey {
  readonly key: Buffer
  /** Java's name of the algorithm that has made the key. */
  readonly algorithm: string
  /** Milliseconds since the epoch. */
  readonly createdMs: number
}

export interface SessionKeySettings {
  /** Java's name, such as HmacSHA256 (`inter.worker.key.generation.algorithm`). */
  readonly generationAlgorithm: string
  /** In bits (`inter.worker.key.size`); null: the default of the algorithm. */
  readonly keyBits: number | null
  /** The age at which the leader replaces the key, in milliseconds; 0: never (`inter.worker.key.ttl.ms`). */
  readonly ttlMs: number
  /** `inter.worker.signature.algorithm` */
  readonly signatureAlgorithm: string
  /** `inter.worker.verification.algorithms` */
  readonly verificationAlgorithms: readonly string[]
}

export interface SessionKeysOptions extends SessionKeySettings {
  readonly write: (key: SessionKey) => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

const retryMs = 1000
/** The longest that a timer can wait. */
const longestMs = 2_147_483_647
/** The sizes of keys in Java's key generators, in bits. */
const defaultBits: Readonly<Record<string, number>> = { HmacMD5: 512, HmacSHA1: 512 }

/** The session key as the config topic has it. A leader writes the first one, and replaces it when it is old. */
export class SessionKeys {
  readonly #options: SessionKeysOptions
  #current: SessionKey | null = null
  #isLeading = false
  #cancelRotation = (): void => undefined

  constructor(options: SessionKeysOptions) {
    this.#options = options
  }

  /** Null before a leader has written one. */
  get current(): SessionKey | null {
    return this.#current
  }

  /** The config topic has a key. */
  read(key: SessionKey): void {
    this.#current = key
    if (this.#isLeading) this.#rotateLater()
  }

  /** Whether this worker provides the key: as the leader of a group whose requests are signed. */
  setLeading(isLeading: boolean): void {
    this.#cancelRotation()
    this.#isLeading = isLeading
    if (isLeading) this.#rotateLater()
  }

  #rotateLater(): void {
    this.#cancelRotation()
    const { ttlMs, generationAlgorithm, clock } = this.#options
    const key = this.#current
    if (key === null || key.algorithm !== generationAlgorithm) {
      void this.#rotate()
      return
    }
    if (ttlMs === 0) return
    const leftMs = Math.min(longestMs, Math.max(0, key.createdMs + ttlMs - clock.now()))
    this.#cancelRotation = clock.after(leftMs, () => void this.#rotate())
  }

  async #rotate(): Promise<void> {
    const { generationAlgorithm, keyBits, clock, logger, write } = this.#options
    const bits = keyBits ?? defaultBits[generationAlgorithm] ?? Number(/\d+$/.exec(generationAlgorithm)?.[0] ?? 256)
    const key = { key: randomBytes(Math.ceil(bits / 8)), algorithm: generationAlgorithm, createdMs: clock.now() }
    try {
      await write(key)
    } catch (error) {
      logger.warn(`the session key could not be written, retrying in ${retryMs / 1000} s: ${errorMessage(error)}`)
      if (this.#isLeading) this.#cancelRotation = clock.after(retryMs, () => void this.#rotate())
    }
  }
}
