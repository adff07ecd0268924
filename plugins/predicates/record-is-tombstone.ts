import type { PredicatePlugin } from 'penstock/api'

/** `org.apache.kafka.connect.transforms.predicates.RecordIsTombstone`: the value is null. */
export const plugin: PredicatePlugin = {
  kind: 'predicate',
  className: 'org.apache.kafka.connect.transforms.predicates.RecordIsTombstone',
  aliases: [],
  version: '3.9.1',
  configDef: {},
  create: () => ({ test: (record) => record.value === null }),
}
