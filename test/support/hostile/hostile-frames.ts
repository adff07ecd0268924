import { isFlexible } from '../../../src/protocol/codec.ts'
import { encodeRequestFrame } from '../../../src/protocol/frame.ts'
import { zeroUuid, type Api, type Field, type Fields } from '../../../src/protocol/schema.ts'

/** An array of a request: the names of the fields that lead to it, and how errors call it. */
export interface ArrayPlace {
  readonly path: readonly string[]
  readonly name: string
}

/** Whether the elements of a long array are the same or not. */
export type ElementKind = 'equal' | 'distinct'

const lengthBytes = 4
/** Fields that would make a request change something, or wait. */
const harmless: Readonly<Record<string, unknown>> = {
  validateOnly: true,
  allowAutoTopicCreation: false,
  maxWaitMs: 0,
  acks: -1,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  sessionEpoch: -1,
  timestamp: -1,
  clientSoftwareName: 'x',
  clientSoftwareVersion: '1',
  transactionalId: null,
  resourceType: 2,
}

function existsIn(field: Field, version: number): boolean {
  const { since = 0, until = Number.POSITIVE_INFINITY } = field.options
  return version >= since && version <= until
}

/** All arrays of a request, those within the elements of others too. */
export function arraysOf(api: Api, version: number): ArrayPlace[] {
  const within = (fields: Fields, before: readonly string[]): ArrayPlace[] =>
    Object.entries(fields).flatMap(([name, field]) => {
      const isTagged = field.options.tag !== undefined
      if (!existsIn(field, version) || isTagged || field.type !== 'array') return []
      const path = [...before, name]
      const place: ArrayPlace = { path, name }
      return [place].concat(within(field.element?.fields ?? {}, path))
    })
  return within(api.request, [])
}

/** The array of a request that is to be large. */
interface LargeArray {
  readonly path: readonly string[]
  /** The number of its elements. */
  readonly count: number
  readonly kind?: ElementKind
}

/** A request with a large array, whose elements are as small as they can be. With its length in front. */
export function largeFrame(api: Api, version: number, { path, count, kind = 'equal' }: LargeArray): Buffer {
  const value = (field: Field, name: string, rest: readonly string[], index: number): unknown => {
    if (field.type === 'array') {
      const length = rest.length === 0 ? 0 : rest.length === 1 ? count : 1
      const { element } = field
      if (rest[0] !== name || element === null) return []
      return Array.from({ length }, (_, i) => value(element, name, rest.slice(1), kind === 'distinct' ? i : 0))
    }
    if (field.type === 'struct') return struct(field.fields ?? {}, rest, index)
    if (name in harmless) return harmless[name]
    return scalar(field, index)
  }
  const struct = (fields: Fields, rest: readonly string[], index: number): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, field]) => existsIn(field, version) && field.options.tag === undefined)
        .map(([name, field]) => [name, value(field, name, rest, index)]),
    )
  const header = { apiVersion: version, correlationId: 1, clientId: 'x' }
  return Buffer.concat(encodeRequestFrame(api, header, struct(api.request, path, 0)))
}

function scalar({ type }: Field, index: number): unknown {
  switch (type) {
    case 'bool':
      return false
    case 'string':
      return index.toString(36)
    case 'uuid':
      return zeroUuid
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    default:
      return type === 'int32' || type === 'int64' ? index : 0
  }
}

/** A small request whose array at `path` says that it has `count` elements. With its length in front. */
export function hostileFrame(api: Api, version: number, path: readonly string[], count: number): Buffer {
  const one = largeFrame(api, version, { path, count: 1 })
  const two = largeFrame(api, version, { path, count: 2 })
  // The first byte in which they differ, behind the length of the frame, is the last one of the count.
  let at = lengthBytes
  while (one[at] === two[at]) at += 1
  const isCompact = isFlexible(api, version)
  const claim = isCompact ? varint(count + 1) : Buffer.alloc(lengthBytes)
  if (!isCompact) claim.writeInt32BE(count, 0)
  const before = one.subarray(lengthBytes, isCompact ? at : at - 3)
  const body = Buffer.concat([before, claim, one.subarray(at + 1)])
  const length = Buffer.alloc(lengthBytes)
  length.writeInt32BE(body.length, 0)
  return Buffer.concat([length, body])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 0x80)
  }
}
