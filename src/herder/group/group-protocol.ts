import { ConnectError } from '../../api/errors.ts'
import { clipped } from '../../foundation/logging/clipped.ts'
import type { ConnectorsAndTasks } from './assignment.ts'
import type { TaskId } from '../../config/connector/task-id.ts'

/** The protocols of a worker group and the versions of their bytes, newest first. `default` is eager. */
export const groupProtocols = [
  { name: 'sessioned', version: 2 },
  { name: 'compatible', version: 1 },
  { name: 'default', version: 0 },
] as const

export type GroupProtocolName = (typeof groupProtocols)[number]['name']

/**
 * The bytes that workers exchange through the group coordinator: version 0 is eager, 1 and 2 are incremental (KIP-415), and
 * with 2 requests between workers are signed (KIP-507). Old Kafka structs: big-endian, STRING = int16 length + UTF-8,
 * ARRAY = int32 count (-1 null), NULLABLE_BYTES = int32 length (-1 null). In an entry, task -1 stands for the connector itself.
 */
export interface WorkerMetadata {
  readonly version: number
  /** The worker's REST URL, with a slash at its end. */
  readonly url: string
  readonly configOffset: number
  /** What the worker runs; null when nothing. */
  readonly allocation: WorkerAssignment | null
}

export interface WorkerAssignment {
  readonly version: number
  readonly error: AssignmentError
  readonly leader: string
  readonly leaderUrl: string
  readonly configOffset: number
  /** What is assigned in this rebalance, by version 0 everything; in metadata, everything that the worker runs. */
  readonly assigned: ConnectorsAndTasks
  readonly revoked: ConnectorsAndTasks
  readonly delayMs: number
}

export type AssignmentError = 'none' | 'config-mismatch'

/** The bytes of another member cannot be decoded. */
export class GroupProtocolError extends ConnectError {}

const connectorEntry = -1
const maxString = 32_767

export function encodeMetadata(metadata: WorkerMetadata): Buffer {
  const head = [int16(metadata.version), string(metadata.url), int64(metadata.configOffset)]
  if (metadata.version === 0) return Buffer.concat(head)
  const allocation = metadata.allocation === null ? null : encodeAssignment(metadata.allocation)
  return Buffer.concat([
    ...head,
    allocation === null ? int32(-1) : Buffer.concat([int32(allocation.length), allocation]),
  ])
}

/** @throws GroupProtocolError */
export function decodeMetadata(bytes: Buffer): WorkerMetadata {
  const reader = new Reader(bytes)
  const version = reader.int16()
  const url = reader.string()
  const configOffset = reader.int64()
  const length = reader.atEnd ? -1 : reader.int32()
  return { version, url, configOffset, allocation: length < 0 ? null : decodeAssignment(reader.bytes(length)) }
}

export function encodeAssignment(assignment: WorkerAssignment): Buffer {
  const head = [
    int16(assignment.version),
    int16(assignment.error === 'none' ? 0 : 1),
    string(assignment.leader),
    string(assignment.leaderUrl),
    int64(assignment.configOffset),
    entries(assignment.assigned),
  ]
  if (assignment.version === 0) return Buffer.concat(head)
  return Buffer.concat([...head, entries(assignment.revoked), int32(assignment.delayMs)])
}

/** @throws GroupProtocolError */
export function decodeAssignment(bytes: Buffer): WorkerAssignment {
  const reader = new Reader(bytes)
  return {
    version: reader.int16(),
    error: reader.int16() === 0 ? 'none' : 'config-mismatch',
    leader: reader.string(),
    leaderUrl: reader.string(),
    configOffset: reader.int64(),
    assigned: reader.entries(),
    revoked: reader.atEnd ? { connectors: [], tasks: [] } : reader.entries(),
    delayMs: reader.atEnd ? 0 : reader.int32(),
  }
}

function entries(work: ConnectorsAndTasks): Buffer {
  const byConnector = new Map<string, number[]>()
  const idsOf = (connector: string): number[] => {
    const ids = byConnector.get(connector) ?? []
    byConnector.set(connector, ids)
    return ids
  }
  for (const connector of work.connectors) idsOf(connector).push(connectorEntry)
  for (const { connector, task } of work.tasks) idsOf(connector).push(task)
  const parts = [int32(byConnector.size)]
  for (const [connector, ids] of byConnector) parts.push(string(connector), int32(ids.length), ...ids.map(int32))
  return Buffer.concat(parts)
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value)
  if (bytes.length > maxString) {
    throw new GroupProtocolError(
      `"${clipped(value)}" has ${bytes.length} bytes, and the group protocol takes ${maxString}`,
    )
  }
  return Buffer.concat([int16(bytes.length), bytes])
}

class Reader {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#position >= this.#bytes.length
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#take(8)))
  }

  string(): string {
    return this.bytes(this.int16()).toString()
  }

  bytes(length: number): Buffer {
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  entries(): ConnectorsAndTasks {
    const connectors: string[] = []
    const tasks: TaskId[] = []
    const count = this.int32()
    for (let i = 0; i < count; i += 1) {
      const connector = this.string()
      const ids = this.int32()
      for (let j = 0; j < ids; j += 1) {
        const task = this.int32()
        if (task === connectorEntry) connectors.push(connector)
        else tasks.push({ connector, task })
      }
    }
    return { connectors, tasks }
  }

  #take(length: number): number {
    const start = this.#position
    if (length < 0 || start + length > this.#bytes.length) {
      throw new GroupProtocolError(
        `the bytes of a worker end at ${this.#bytes.length}, but ${length} more were expected at ${start}`,
      )
    }
    this.#position = start + length
    return start
  }
}
