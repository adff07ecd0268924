import type { OptionValue, ProtoField, ProtoOption } from '../model/proto-file.ts'
import type { ProtoScope, ProtoTypes } from '../model/proto-types.ts'
import { normalNumber } from './normal-number.ts'
import { fieldOptions } from './option-text.ts'

type Entries = ReadonlyMap<string, OptionValue>

/** The normal form of options: full names of extensions, sorted, and several options of one message as one. */
export class NormalOptions {
  readonly #types: ProtoTypes

  constructor(types: ProtoTypes) {
    this.#types = types
  }

  all(options: readonly ProtoOption[], scope: ProtoScope): readonly ProtoOption[] {
    return this.#merged(options, scope).map(({ name, isExtension, value }) => ({
      name,
      isExtension,
      value: this.#value(value, scope),
    }))
  }

  /**
   * The options of a field of a normal type. The default and the name in JSON are sorted among the others, as options.
   */
  ofField(
    field: ProtoField,
    type: string,
    scope: ProtoScope,
  ): Pick<ProtoField, 'options' | 'defaultValue' | 'jsonName'> {
    return { options: this.all(fieldOptions({ ...field, type }), scope), defaultValue: null, jsonName: null }
  }

  #merged(options: readonly ProtoOption[], scope: ProtoScope): readonly ProtoOption[] {
    const groups = new Map<string, ProtoOption[]>()
    const named = options.map((option) => this.#named(option, scope)).toSorted((a, b) => byText(a.name, b.name))
    for (const option of named) {
      const group = groups.get(option.name) ?? []
      group.push(option)
      groups.set(option.name, group)
    }
    return [...groups].flatMap(([name, group]) => {
      const extension = this.#types.extension(`.${name}`, scope)
      if (extension === null || extension.field.label === 'repeated') return group
      return [group.reduce((one, other) => this.#joined(extension.field, one, other, scope))]
    })
  }

  #named(option: ProtoOption, scope: ProtoScope): ProtoOption {
    if (!option.isExtension) return option
    const extension = this.#types.extension(option.name, scope)
    return extension === null ? option : { ...asMap(option), name: extension.fullName }
  }

  #joined(field: ProtoField, one: ProtoOption, other: ProtoOption, scope: ProtoScope): ProtoOption {
    const [first, second] = [one.value, asMap(other).value]
    if (first.kind !== 'map' || second.kind !== 'map') return other
    return { ...other, value: this.#joinedMaps(field, first.entries, second.entries, scope) }
  }

  #joinedMaps(field: ProtoField | null, one: Entries, other: Entries, scope: ProtoScope): OptionValue {
    const joined = new Map(one)
    for (const [key, value] of other) {
      const before = joined.get(key)
      const part = this.#part(field, key, scope)
      joined.set(key, before === undefined ? value : this.#joinedValues(part, before, value, scope))
    }
    return { kind: 'map', entries: joined }
  }

  #joinedValues(field: ProtoField | null, one: OptionValue, other: OptionValue, scope: ProtoScope): OptionValue {
    const isSingular = field !== null && field.label !== 'repeated'
    if (isSingular && one.kind === 'map' && other.kind === 'map' && this.#isMessage(field, scope))
      return this.#joinedMaps(field, one.entries, other.entries, scope)
    if (isSingular) return other
    const items = new Map([...itemsOf(one), ...itemsOf(other)].map((item) => [JSON.stringify(plain(item)), item]))
    return { kind: 'list', items: [...items.values()] }
  }

  /** The field of the message that a field has. */
  #part(field: ProtoField | null, name: string, scope: ProtoScope): ProtoField | null {
    const type = field === null ? null : this.#types.type(field.type, scope)?.type
    if (type?.kind !== 'message') return null
    const fields = [...type.fields, ...type.oneofs.flatMap((oneof) => oneof.fields)]
    return fields.find((other) => other.name === name) ?? null
  }

  #isMessage({ type }: ProtoField, scope: ProtoScope): boolean {
    return this.#types.type(type, scope)?.type.kind === 'message'
  }

  #value(value: OptionValue, scope: ProtoScope): OptionValue {
    switch (value.kind) {
      case 'number':
        return { kind: 'number', text: normalNumber(value.text) }
      case 'list':
        return { kind: 'list', items: value.items.map((item) => this.#value(item, scope)) }
      case 'map':
        return { kind: 'map', entries: this.#entries(value.entries, scope) }
      case 'part':
        return { kind: 'part', option: { ...value.option, value: this.#value(value.option.value, scope) } }
      default:
        return value
    }
  }

  #entries(entries: Entries, scope: ProtoScope): Entries {
    const normal = new Map<string, OptionValue>()
    for (const [key, value] of entries) {
      const isEmpty = value.kind === 'list' && value.items.length === 0
      const name = this.#key(key, scope)
      if (!isEmpty && !normal.has(name)) normal.set(name, this.#entry(value, scope))
    }
    return new Map([...normal].toSorted(([a], [b]) => byText(a, b)))
  }

  /** A list of one value is the value. */
  #entry(value: OptionValue, scope: ProtoScope): OptionValue {
    const [first, ...others] = value.kind === 'list' ? value.items : []
    return first !== undefined && others.length === 0 ? this.#entry(first, scope) : this.#value(value, scope)
  }

  #key(key: string, scope: ProtoScope): string {
    const extension = key.startsWith('[') ? this.#types.extension(key.slice(1, -1), scope) : null
    return extension === null ? key : `[${extension.fullName}]`
  }
}

/** `(name).part = value` as `(name) = { part: value }`. */
export function asMap(option: ProtoOption): ProtoOption {
  return option.value.kind === 'part' ? { ...option, value: partMap(option.value.option) } : option
}

function partMap({ name, isExtension, value }: ProtoOption): OptionValue {
  const key = isExtension ? `[${name}]` : name
  return { kind: 'map', entries: new Map([[key, value.kind === 'part' ? partMap(value.option) : value]]) }
}

function itemsOf(value: OptionValue): readonly OptionValue[] {
  return value.kind === 'list' ? value.items : [value]
}

/** What tells values apart. */
function plain(value: OptionValue): unknown {
  if (value.kind === 'map') return ['map', [...value.entries].map(([key, entry]) => [key, plain(entry)])]
  if (value.kind === 'list') return ['list', value.items.map(plain)]
  if (value.kind === 'part') return ['part', value.option.name, plain(value.option.value)]
  return [value.kind, value.text]
}

/** By UTF-16 units, as Java compares texts. */
export function byText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
