import {
  DataError,
  fieldOf,
  isArray,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Schema,
  type StructValue,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { requireStruct } from '../../record/requirements.ts'
import { perSchema, remembered } from '../../record/struct-shape.ts'
import { debeziumTransform, isEnvelope } from '../envelope.ts'
import { every, itemsOf, noEmptyItems, positive, required, chosenText } from '../settings.ts'
import { javaHash } from './java-hash.ts'
import { murmurOfInt, murmurOfText } from './murmur-hash.ts'

const transform = 'PartitionRouting'

const configDef = {
  'partition.payload.fields': {
    type: 'LIST',
    importance: 'HIGH',
    doc: "The fields of the change event that determine the partition, such as source.table, after.name or change.name: 'change' is the row after the change, of a delete the row before. A field that the event does not have, or that is null, does not count.",
    displayName: 'List of payload fields to use for compute partition.',
    group: 'partitions',
    width: 'NONE',
    validator: every(required, noEmptyItems),
  },
  'partition.topic.num': {
    type: 'INT',
    importance: 'HIGH',
    doc: 'The number of partitions of the topic.',
    displayName: 'Number of partition configured for topic',
    group: 'partitions',
    width: 'NONE',
    validator: every(positive, required),
  },
  'partition.hash.function': {
    type: 'STRING',
    defaultValue: 'java',
    importance: 'LOW',
    doc: "The hash of the fields: 'java' or 'murmur'. As in Debezium, any other text means java.",
    displayName: 'Hash function',
    group: 'partitions',
    width: 'NONE',
    recommended: ['java', 'murmur'],
  },
} as const satisfies ConfigDef

type Hash = (schema: Schema, value: ConnectValue) => number

/** A field of change events of one schema. */
interface HashedField {
  readonly schema: Schema
  /** @throws DataError if a structure on the way is null. */
  readonly read: (event: StructValue) => ConnectValue
}

interface EventPlan {
  readonly op: number
  readonly deleted: readonly HashedField[]
  readonly others: readonly HashedField[]
}

/**
 * Debezium's [partition routing](https://debezium.io/documentation/reference/stable/transformations/partition-routing.html): chooses the
 * partition of a change event by its fields.
 */
class PartitionRouting implements Transform {
  readonly #hash: Hash
  readonly #partitions: number
  readonly #planOf: (schema: Schema) => EventPlan

  constructor(paths: readonly (readonly string[])[], partitions: number, hash: Hash) {
    this.#hash = hash
    this.#partitions = partitions
    this.#planOf = perSchema((schema) => eventPlan(schema, paths))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { value, valueSchema } = record
    if (value === null || valueSchema === null || !isEnvelope(valueSchema)) return record
    const event = requireStruct(valueSchema, value, transform)
    const plan = this.#planOf(valueSchema)
    const op = event[plan.op] ?? null
    if (op === 't' || op === 'm') return record
    let sum: number | null = null
    for (const { schema, read } of op === 'd' ? plan.deleted : plan.others) {
      const field = read(event)
      if (field !== null) sum = ((sum ?? 0) + this.#hash(schema, field)) | 0
    }
    return sum === null ? record : { ...record, partition: this.#partition(sum) }
  }

  #partition(sum: number): number {
    const positive = sum & 0x7fff_ffff
    return (positive === 0x7fff_ffff ? 0 : positive) % this.#partitions
  }
}

function eventPlan(schema: Schema, paths: readonly (readonly string[])[]): EventPlan {
  const fields = (change: string): HashedField[] =>
    paths.flatMap((path) => {
      const names = path.map((name, i) => (name === 'change' && i < path.length - 1 ? change : name))
      return hashedField(schema, names) ?? []
    })
  return { op: fieldOf(schema, 'op')?.index ?? -1, deleted: fields('before'), others: fields('after') }
}

/** Returns null for a path that the events do not have. */
function hashedField(envelope: Schema, path: readonly string[]): HashedField | null {
  const steps: number[] = []
  let field = null
  let schema = envelope
  for (const name of path) {
    if (schema.type !== 'STRUCT') return null
    field = fieldOf(schema, name)
    if (field === undefined) return null
    steps.push(field.index)
    schema = field.schema
  }
  const fallback = schema.defaultValue ?? null
  return { schema, read: (event) => valueAt(event, steps, path) ?? fallback }
}

function valueAt(event: StructValue, steps: readonly number[], path: readonly string[]): ConnectValue {
  let value: ConnectValue = event
  for (const [i, step] of steps.entries()) {
    if (value === null || !isArray(value)) {
      const parent = path.slice(0, i).join('.')
      throw new DataError(
        `${transform}: "${parent}" of the change event is null, so ${path.join('.')} cannot choose its partition; use change.${path.slice(i).join('.')} for rows that may be deleted`,
      )
    }
    value = value[step] ?? null
  }
  return value
}

const maxTexts = 10_000
/** Longer texts would fill the memory, and rarely repeat. */
const maxLength = 100

/** Texts that choose a partition are often the same few, and their hash takes microseconds. */
function murmurHash(): Hash {
  const known = new Map<string, number>()
  const ofText = (text: string): number =>
    text.length > maxLength ? murmurOfText(text) : remembered(known, text, maxTexts, () => murmurOfText(text))
  return (schema, value) =>
    typeof value === 'string' && schema.type === 'STRING' ? ofText(value) : murmurOfInt(javaHash(schema, value))
}

/** As of Java's `split`, empty parts at the end do not count. */
function pathOf(text: string): readonly string[] {
  const parts = text.split('.').map((part) => part.trim())
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return parts
}

/** `io.debezium.transforms.partitions.PartitionRouting`. */
export const plugin: TransformPlugin = debeziumTransform('partitions.PartitionRouting', configDef, (config) => {
  const hash = chosenText(config['partition.hash.function'], ['java', 'murmur']) === 'murmur' ? murmurHash() : javaHash
  const paths = itemsOf(config['partition.payload.fields']).map(pathOf)
  return new PartitionRouting(paths, Number(config['partition.topic.num']), hash)
})
