/** A record of a fetch. Its buffers are views of the response: copy what is kept for longer than a few polls. */
export interface FetchedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** 0 is CreateTime, 1 is LogAppendTime. */
  readonly timestampType: 0 | 1
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}
