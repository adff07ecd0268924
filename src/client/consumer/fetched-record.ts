/** A record as it was read. Bytes are views of the answer it came in: copy what must outlive the next polls. */
export interface FetchedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds of the epoch. */
  readonly timestamp: number
  /** 0: the producer's time; 1: the broker's. */
  readonly timestampType: 0 | 1
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}
