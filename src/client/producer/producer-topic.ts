import { partitionForKey } from '../../protocol/murmur2.ts'
import type { OutgoingRecord } from './outgoing-record.ts'
import type { PartitionQueue } from './partition-queue.ts'

/** A record that waits for its topic's metadata. */
export interface WaitingRecord {
  readonly record: OutgoingRecord
  readonly size: number
  readonly token: number
}

/** A topic that a producer writes to. */
export class ProducerTopic {
  readonly name: string
  /** 0 while it is not known: records are then kept in `awaitingMetadata`. */
  partitionCount = 0
  readonly queues: (PartitionQueue | undefined)[] = []
  #awaitingMetadata: WaitingRecord[] = []
  /** The partition of records without a key, and the burst in which it was chosen. */
  #sticky = 0
  #stickyBurst = -1

  constructor(name: string) {
    this.name = name
  }

  /** Sets the number of partitions for the first time. */
  located(partitionCount: number): void {
    this.partitionCount = partitionCount
    this.#sticky = Math.floor(Math.random() * partitionCount)
  }

  keep(waiting: WaitingRecord): void {
    this.#awaitingMetadata.push(waiting)
  }

  /** Removes and returns the records that wait for metadata. */
  takeWaiting(): readonly WaitingRecord[] {
    const waiting = this.#awaitingMetadata
    this.#awaitingMetadata = []
    return waiting
  }

  /**
   * Returns the partition as Kafka's default partitioner chooses it: by the key's hash; records without a key share one
   * partition within a burst ([KIP-480](https://cwiki.apache.org/confluence/display/KAFKA/KIP-480%3A+Sticky+Partitioner)).
   */
  choosePartition(key: Uint8Array | null, burst: number): number {
    if (key !== null) return partitionForKey(key, this.partitionCount)
    if (this.#stickyBurst !== burst) {
      this.#stickyBurst = burst
      this.#sticky = (this.#sticky + 1) % this.partitionCount
    }
    return this.#sticky
  }
}
