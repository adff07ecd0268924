/** An attribute of a type: its name, and its value as JSON text. */
export type Property = readonly [name: string, json: string]

/** A type of Avro without a name. */
type Unnamed =
  | { readonly kind: 'primitive'; readonly type: string; readonly properties: readonly Property[] }
  | { readonly kind: 'array' | 'map'; readonly item: AvroNode; readonly properties: readonly Property[] }
  | { readonly kind: 'union'; readonly branches: readonly AvroNode[] }

/** A field of a record. `defaultJson` is null if there is none. */
export interface NodeField {
  readonly name: string
  readonly node: AvroNode
  readonly doc: string | null
  readonly defaultJson: string | null
}

/** A type with a name. Each is one object in a schema, so that records can contain themselves. */
export interface NamedNode {
  readonly kind: 'record' | 'enum' | 'fixed'
  readonly name: string
  readonly namespace: string | null
  readonly doc: string | null
  /** Of a record. Added after the node was made. */
  readonly fields: NodeField[]
  /** What an enum or a fixed has of its own. */
  readonly own: readonly Property[]
  readonly properties: readonly Property[]
}

/** An Avro schema that is being built. */
export type AvroNode = Unnamed | NamedNode

export function fullNameOf({ namespace, name }: Pick<NamedNode, 'namespace' | 'name'>): string {
  return namespace === null ? name : `${namespace}.${name}`
}

/** Returns whether two schemas are the same. Named types are if they are the same object. */
export function sameNode(one: AvroNode, other: AvroNode): boolean {
  if (one === other) return true
  switch (one.kind) {
    case 'primitive':
      return other.kind === 'primitive' && one.type === other.type && sameProperties(one, other)
    case 'array':
    case 'map':
      return (
        (other.kind === 'array' || other.kind === 'map') &&
        one.kind === other.kind &&
        sameNode(one.item, other.item) &&
        sameProperties(one, other)
      )
    case 'union':
      return (
        other.kind === 'union' &&
        one.branches.length === other.branches.length &&
        one.branches.every((branch, i) => sameNode(branch, other.branches[i] as AvroNode))
      )
    default:
      return false
  }
}

/** Returns whether two definitions of a named type are the same, whatever their names. */
export function sameDefinition(one: NamedNode, other: NamedNode): boolean {
  return (
    one.kind === other.kind &&
    one.doc === other.doc &&
    sameProperties(one, other) &&
    one.own.join('\n') === other.own.join('\n') &&
    one.fields.length === other.fields.length &&
    one.fields.every((field, i) => {
      const against = other.fields[i] as NodeField
      return (
        field.name === against.name &&
        field.doc === against.doc &&
        field.defaultJson === against.defaultJson &&
        sameNode(field.node, against.node)
      )
    })
  )
}

interface WithProperties {
  readonly properties: readonly Property[]
}

function sameProperties(one: WithProperties, other: WithProperties): boolean {
  return one.properties.join('\n') === other.properties.join('\n')
}

/** Returns the schema as Java's `Schema.toString` writes it. */
export function avroText(node: AvroNode): string {
  return textOf(node, null, new Set())
}

function textOf(node: AvroNode, space: string | null, defined: Set<NamedNode>): string {
  switch (node.kind) {
    case 'primitive':
      return node.properties.length === 0
        ? JSON.stringify(node.type)
        : object([['type', JSON.stringify(node.type)], ...node.properties])
    case 'array':
    case 'map': {
      const item = textOf(node.item, space, defined)
      return object([
        ['type', JSON.stringify(node.kind)],
        [node.kind === 'array' ? 'items' : 'values', item],
        ...node.properties,
      ])
    }
    case 'union':
      return `[${node.branches.map((branch) => textOf(branch, space, defined)).join(',')}]`
    default:
      return namedText(node, space, defined)
  }
}

function namedText(node: NamedNode, space: string | null, defined: Set<NamedNode>): string {
  const { namespace, name, doc } = node
  if (defined.has(node)) return JSON.stringify(namespace === space ? name : fullNameOf(node))
  defined.add(node)
  const head: Property[] = [
    ['type', JSON.stringify(node.kind)],
    ['name', JSON.stringify(name)],
  ]
  if (namespace !== space) head.push(['namespace', JSON.stringify(namespace ?? '')])
  if (doc !== null) head.push(['doc', JSON.stringify(doc)])
  if (node.kind === 'record') {
    const fields = node.fields.map((field) => fieldText(field, namespace, defined))
    head.push(['fields', `[${fields.join(',')}]`])
  }
  return object([...head, ...node.own, ...node.properties])
}

function fieldText(field: NodeField, space: string | null, defined: Set<NamedNode>): string {
  const parts: Property[] = [
    ['name', JSON.stringify(field.name)],
    ['type', textOf(field.node, space, defined)],
  ]
  if (field.doc !== null) parts.push(['doc', JSON.stringify(field.doc)])
  if (field.defaultJson !== null) parts.push(['default', field.defaultJson])
  return object(parts)
}

function object(members: readonly Property[]): string {
  return `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`
}
