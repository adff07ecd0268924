import {
  isKeyType,
  isScalar,
  mapTypes,
  type ProtoExtend,
  type ProtoField,
  type ProtoFile,
  type ProtoType,
} from './proto-file.ts'

/** A type, and where it is declared. */
export interface TypeInfo {
  readonly type: ProtoType
  /** Empty: the file has no package. */
  readonly packageName: string
  /** With the package, without a dot before it. */
  readonly fullName: string
  /** Equal for types of the same file; null when it is not known which one. */
  readonly origin: string | null
}

/** A file that a schema imports. */
export interface ProtoDependency {
  readonly file: ProtoFile
  readonly origin: string | null
}

/** The origin of the types of the schema itself. */
export const ownOrigin = ''

/** A part of a full name: a package, a type, or an extension. */
class ProtoScope {
  readonly parent: ProtoScope | null
  /** The same part in the types that all schemas share; null when these have none. */
  readonly shared: ProtoScope | null
  readonly #children = new Map<string, ProtoScope>()
  #info: TypeInfo | null = null
  #extension: ExtensionInfo | null = null

  constructor(parent: ProtoScope | null, shared: ProtoScope | null) {
    this.parent = parent
    this.shared = shared
  }

  get info(): TypeInfo | null {
    return this.#info ?? this.shared?.info ?? null
  }

  get extension(): ExtensionInfo | null {
    return this.#extension ?? this.shared?.extension ?? null
  }

  declareType(info: TypeInfo): void {
    this.#info = info
  }

  declareExtension(extension: ExtensionInfo): void {
    this.#extension = extension
  }

  child(name: string): ProtoScope {
    const known = this.#children.get(name)
    if (known !== undefined) return known
    const made = new ProtoScope(this, this.shared?.find(name) ?? null)
    this.#children.set(name, made)
    return made
  }

  find(name: string): ProtoScope | null {
    return this.#children.get(name) ?? this.shared?.find(name) ?? null
  }

  below([first, ...others]: readonly string[]): ProtoScope | null {
    if (first === undefined) return this
    let scope = this.find(first)
    for (const part of others) scope = scope?.find(part) ?? null
    return scope
  }
}

export type { ProtoScope }

/** An extension, and its full name. */
interface ExtensionInfo {
  readonly field: ProtoField
  readonly fullName: string
}

/**
 * The types and extensions of a schema and of all files it depends on, by their names. As in Confluent's registry, a name may
 * also stand for a type of a file that is not imported.
 */
export class ProtoTypes {
  readonly #root: ProtoScope
  /** The scope of the schema's own file. */
  readonly scope: ProtoScope

  /** @param shared types that all schemas know: they are kept once (I10) */
  constructor(file: ProtoFile, dependencies: Iterable<ProtoDependency>, shared: ProtoTypes | null) {
    this.#root = new ProtoScope(null, shared === null ? null : shared.#root)
    for (const { file: other, origin } of dependencies) this.#addFile(other, origin)
    this.scope = this.#addFile(file, ownOrigin)
  }

  /** The type that a name stands for inside a scope; null when there is none, and of scalars, which no type can hide. */
  type(name: string, scope: ProtoScope): TypeInfo | null {
    if (isScalar(name)) return null
    return this.#find(name, scope, (found) => found.info)
  }

  /** The extension that a name stands for inside a scope; null when there is none. */
  extension(name: string, scope: ProtoScope): ExtensionInfo | null {
    return this.#find(name, scope, (found) => found.extension)
  }

  /** The scope of a type itself, for the names inside it. */
  scopeOf({ fullName }: TypeInfo): ProtoScope {
    return this.#root.below(fullName.split('.')) ?? this.#root
  }

  #find<T>(name: string, scope: ProtoScope, read: (found: ProtoScope) => T | null): T | null {
    const parts = name.split('.')
    if (parts[0] === '') return this.#read(this.#root, parts.slice(1), read)
    for (let from: ProtoScope | null = scope; from !== null; from = from.parent) {
      const found = this.#read(from, parts, read)
      if (found !== null) return found
    }
    return null
  }

  #read<T>(from: ProtoScope, parts: readonly string[], read: (found: ProtoScope) => T | null): T | null {
    const found = from.below(parts)
    return found === null ? null : read(found)
  }

  #addFile(file: ProtoFile, origin: string | null): ProtoScope {
    const packageName = file.packageName ?? ''
    let scope = this.#root
    if (packageName !== '') for (const part of packageName.split('.')) scope = scope.child(part)
    this.#addExtensions(file.extends, scope, packageName)
    this.#addTypes(file.types, scope, { packageName, origin, prefix: packageName })
    return scope
  }

  #addTypes(
    types: readonly ProtoType[],
    scope: ProtoScope,
    { packageName, origin, prefix }: { packageName: string; origin: string | null; prefix: string },
  ): void {
    for (const type of types) {
      const own = scope.child(type.name)
      const fullName = joined(prefix, type.name)
      own.declareType({ type, packageName, fullName, origin })
      if (type.kind === 'enum') continue
      this.#addExtensions(type.extends, own, fullName)
      this.#addTypes(type.types, own, { packageName, origin, prefix: fullName })
    }
  }

  #addExtensions(declarations: readonly ProtoExtend[], scope: ProtoScope, prefix: string): void {
    for (const { fields } of declarations)
      for (const field of fields)
        scope.child(field.name).declareExtension({ field, fullName: joined(prefix, field.name) })
  }
}

function joined(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`
}

/** The map that a message stands for, which has its keys and values: descriptors write maps so. Null of other types. */
export function mapOf(type: ProtoType): string | null {
  if (type.kind !== 'message') return null
  const { value: option } = type.options.findLast(({ name, isExtension }) => name === 'map_entry' && !isExtension) ?? {}
  // Confluent's registry takes `TRUE` for true, too.
  if ((option?.kind !== 'boolean' && option?.kind !== 'enum') || option.text.toLowerCase() !== 'true') return null
  const key = type.fields.find(({ name }) => name === 'key')
  const value = type.fields.find(({ name }) => name === 'value')
  return key === undefined || value === undefined || !isKeyType(key.type) ? null : `map<${key.type}, ${value.type}>`
}

/** The name that a field's type refers to; null for scalars and maps of them. */
export function namedType(type: string): string | null {
  const name = mapTypes(type)?.value ?? type
  return isScalar(name) ? null : name
}
