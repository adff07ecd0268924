import { createHash } from 'node:crypto'

import { ConnectError } from '../../../../api/errors.ts'
import type { FetchedRecord } from '../../../../client/consumer/fetched-record.ts'
import { formatTopicPartition, type TopicPartition } from '../../../../foundation/topic-partition.ts'

/** A record by its place and key. */
export type KeyedRecord = Pick<FetchedRecord, 'topic' | 'partition' | 'offset' | 'key'>

/** The code of the error of one key too many. */
export const limitCode = 'PARKED_KEYS_LIMIT'

/** Longer keys are kept as hashes, so that their number bounds the memory (I10). */
const maxKeyBytes = 64

/**
 * The keys of which a record is in the dead letter queue, by partition, with the offset of the first one. A key is the bytes of a
 * record's key; a record without one is never parked.
 */
export class ParkedKeys {
  readonly #maxKeys: number
  readonly #partitions = new Map<string, Map<string, number>>()
  #size = 0
  /** The partition of the last lookup. */
  #at: TopicPartition | null = null
  #keysAt: Map<string, number> | undefined

  /** @param maxKeys how many keys may be parked */
  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  /** Returns how many keys of these partitions are parked. */
  sizeOf(partitions: readonly TopicPartition[]): number {
    return partitions.reduce((sum, at) => sum + (this.#partitions.get(formatTopicPartition(at))?.size ?? 0), 0)
  }

  /** Returns the offset of the first parked record of the record's key, if the record is behind it; else null. */
  firstBefore(record: KeyedRecord): number | null {
    if (this.#size === 0 || record.key === null) return null
    const first = this.#keysOf(record)?.get(textOf(record.key))
    return first !== undefined && first < record.offset ? first : null
  }

  /** Parks the key of a record from `first` on. @throws ConnectError when too many keys are parked */
  park({ topic, partition, key, offset }: KeyedRecord, first = offset): void {
    if (key === null) return
    const name = formatTopicPartition({ topic, partition })
    let keys = this.#partitions.get(name)
    const text = textOf(key)
    const known = keys?.get(text)
    if (known !== undefined) {
      if (first < known) keys?.set(text, first)
      return
    }
    if (this.#size >= this.#maxKeys) throw this.#full(`${name}@${offset}`)
    if (keys === undefined) {
      keys = new Map()
      this.#partitions.set(name, keys)
      this.#at = null
    }
    keys.set(text, first)
    this.#size += 1
  }

  clear(): void {
    this.#partitions.clear()
    this.#size = 0
    this.#at = null
  }

  /** Consecutive records mostly are of one partition. */
  #keysOf({ topic, partition }: KeyedRecord): Map<string, number> | undefined {
    if (this.#at === null || this.#at.partition !== partition || this.#at.topic !== topic) {
      this.#at = { topic, partition }
      this.#keysAt = this.#partitions.get(formatTopicPartition(this.#at))
    }
    return this.#keysAt
  }

  #full(place: string): ConnectError {
    return new ConnectError(
      `${this.#maxKeys} keys are parked behind their dead letters (errors.deadletterqueue.park.keys.max), and that of ${place} ` +
        'would be one more. Its record is not committed. Correct what the records fail on, and release the keys; or raise the ' +
        'limit; then restart the task',
      { code: limitCode },
    )
  }
}

function textOf(key: Buffer): string {
  if (key.length <= maxKeyBytes) return key.toString('latin1')
  // No short key has this length.
  return `${createHash('sha256').update(key).digest('base64')}:${'#'.repeat(maxKeyBytes)}`
}
