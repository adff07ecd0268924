import type { Validator } from '../../api/config-def.ts'

/** Kafka's assignor classes that the consumer of a sink can have, and the names by which the members of a group choose one. */
export const assignorClasses = {
  'org.apache.kafka.clients.consumer.RangeAssignor': 'range',
  'org.apache.kafka.clients.consumer.RoundRobinAssignor': 'roundrobin',
  'org.apache.kafka.clients.consumer.StickyAssignor': 'sticky',
  'org.apache.kafka.clients.consumer.CooperativeStickyAssignor': 'cooperative-sticky',
} as const

export type AssignorClass = keyof typeof assignorClasses

function isAssignorClass(name: string): name is AssignorClass {
  return Object.hasOwn(assignorClasses, name)
}

/** Returns the names of assignor classes, in their order. Other classes are left out: the validator refuses them. */
export function assignorNames(classes: readonly string[]): readonly (typeof assignorClasses)[AssignorClass][] {
  return classes.filter(isAssignorClass).map((name) => assignorClasses[name])
}

/** Accepts a list of assignor classes, each once. */
export const listOfAssignors: Validator = (_key, value) => {
  const known = `the assignors are ${Object.keys(assignorClasses).join(', ')}`
  if (!Array.isArray(value) || value.length === 0) return `has to name at least one assignor: ${known}`
  const unknown = value.find((name) => !isAssignorClass(name))
  if (unknown !== undefined) return `there is no assignor ${unknown}: ${known}`
  const twice = value.find((name, index) => value.indexOf(name) !== index)
  return twice === undefined ? null : `names ${twice} more than once`
}
