import { isArray, isMap, type ConnectValue, type PlainMap } from 'penstock/api'

/** A map without a schema that is being filled. */
export type MutableMap = Record<string, ConnectValue>

/** Returns whether a value without a schema is a JSON object. */
export function isPlainMap(value: ConnectValue): value is PlainMap {
  return (
    typeof value === 'object' && value !== null && !isArray(value) && !isMap(value) && !(value instanceof Uint8Array)
  )
}

/** Returns a member; null if there is none. A name such as `toString` is a member only if the map has it. */
export function memberOf(map: PlainMap, name: string): ConnectValue {
  return Object.hasOwn(map, name) ? (map[name] ?? null) : null
}

/** Returns a copy in which these members are converted; null stays null, and one that is missing becomes null. */
export function withConverted(
  map: PlainMap,
  converters: ReadonlyMap<string, (value: ConnectValue) => ConnectValue>,
): MutableMap {
  const copy: MutableMap = { ...map }
  for (const [name, convert] of converters) {
    const member = memberOf(map, name)
    setMember(copy, name, member === null ? null : convert(member))
  }
  return copy
}

/** Sets a member of any name: assigning to `__proto__` would change the prototype. */
export function setMember(map: MutableMap, name: string, value: ConnectValue): void {
  if (name === '__proto__')
    Object.defineProperty(map, name, { value, enumerable: true, writable: true, configurable: true })
  else map[name] = value
}
