import type { ConfigDef, ConnectRecord, Transform, TransformPlugin } from 'penstock/api'

import { kafkaTransform } from '../record/record-side.ts'
import { listOf, nonEmptyList } from '../record/setting.ts'

const configDef = {
  headers: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'The name of the headers to be removed.',
    validator: nonEmptyList,
  },
} as const satisfies ConfigDef

/** Removes all headers of some names. */
class DropHeaders implements Transform {
  readonly #names: ReadonlySet<string>

  constructor(names: readonly string[]) {
    this.#names = new Set(names)
  }

  apply<R extends ConnectRecord>(record: R): R {
    const isDropped = record.headers.some(({ key }) => this.#names.has(key))
    if (!isDropped) return record
    return { ...record, headers: record.headers.filter(({ key }) => !this.#names.has(key)) }
  }
}

/** `org.apache.kafka.connect.transforms.DropHeaders`. */
export const plugin: TransformPlugin = kafkaTransform(
  'DropHeaders',
  configDef,
  (config) => new DropHeaders(listOf(config, 'headers')),
)
