export interface FetchedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: 0 | 1
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}
export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}
export interface GroupConsumer {
  onAssigned: (offsets: readonly PartitionOffset[]) => Promise<void>
  onRevoked: (partitions: readonly { readonly topic: string; readonly partition: number }[]) => Promise<void>
  subscribe(to: { readonly topics?: readonly string[]; readonly pattern?: RegExp }): void
  poll(maxWaitMs: number, signal: AbortSignal): Promise<readonly FetchedRecord[]>
  pause(partitions: readonly { readonly topic: string; readonly partition: number }[]): void
  resume(partitions: readonly { readonly topic: string; readonly partition: number }[]): void
  seek(topic: string, partition: number, offset: number): void
  commit(offsets: readonly PartitionOffset[]): Promise<void>
  close(): Promise<void>
}
