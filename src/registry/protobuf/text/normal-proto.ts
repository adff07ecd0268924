import {
  isScalar,
  mapTypes,
  type ProtoEnum,
  type ProtoExtend,
  type ProtoExtensions,
  type ProtoField,
  type ProtoFile,
  type ProtoGroup,
  type ProtoMessage,
  type ProtoOneof,
  type ProtoRange,
  type ProtoRanges,
  type ProtoType,
} from '../model/proto-file.ts'
import { mapOf, type ProtoScope, type ProtoTypes } from '../model/proto-types.ts'
import { ProtobufError } from '../parse/proto-reader.ts'
import { byText, NormalOptions } from './normal-options.ts'

/**
 * The same file with full names, and with one order for what has none: the normal form of Confluent's registry. The order of
 * types and services stays.
 * @throws ProtobufError when a type is not known
 */
export function normalProto(file: ProtoFile, types: ProtoTypes): ProtoFile {
  return new Normalizer(types).file(file)
}

class Normalizer {
  readonly #types: ProtoTypes
  readonly #options: NormalOptions

  constructor(types: ProtoTypes) {
    this.#types = types
    this.#options = new NormalOptions(types)
  }

  file(file: ProtoFile): ProtoFile {
    const { scope } = this.#types
    const options = this.#options
    return {
      syntax: file.syntax === 'proto3' ? 'proto3' : null,
      packageName: file.packageName,
      imports: [...new Set(file.imports)].toSorted(byText),
      publicImports: [...new Set(file.publicImports)].toSorted(byText),
      weakImports: file.weakImports,
      options: options.all(file.options, scope),
      types: this.#declarations(file.types, scope),
      extends: this.#extends(file.extends, scope),
      services: file.services.map((service) => ({
        name: service.name,
        options: options.all(service.options, scope),
        rpcs: service.rpcs.map((rpc) => ({
          ...rpc,
          requestType: this.#resolved(rpc.requestType, scope),
          responseType: this.#resolved(rpc.responseType, scope),
          options: options.all(rpc.options, scope),
        })),
      })),
    }
  }

  #declarations(types: readonly ProtoType[], scope: ProtoScope): readonly ProtoType[] {
    return types
      .filter((type) => mapOf(type) === null)
      .map((type) => {
        const own = scope.child(type.name)
        return type.kind === 'enum' ? this.#enum(type, own) : this.#message(type, own)
      })
  }

  #message(message: ProtoMessage, scope: ProtoScope): ProtoMessage {
    return {
      ...message,
      reserved: singles(message.reserved),
      options: this.#options.all(message.options, scope),
      fields: this.#fields(message.fields, scope),
      oneofs: this.#oneofs(message.oneofs, scope),
      groups: this.#groups(message.groups, scope),
      extensions: this.#extensions(message.extensions, scope),
      extends: this.#extends(message.extends, scope),
      types: this.#declarations(message.types, scope),
    }
  }

  #enum(type: ProtoEnum, scope: ProtoScope): ProtoEnum {
    return {
      ...type,
      reserved: singles(type.reserved),
      options: this.#options.all(type.options, scope),
      constants: type.constants
        .map((constant) => ({ ...constant, options: this.#options.all(constant.options, scope) }))
        .toSorted((a, b) => a.number - b.number || byText(a.name, b.name)),
    }
  }

  #oneofs(oneofs: readonly ProtoOneof[], scope: ProtoScope): readonly ProtoOneof[] {
    return oneofs
      .filter(({ fields }) => fields.length > 0)
      .map((oneof) => ({
        name: oneof.name,
        options: this.#options.all(oneof.options, scope),
        fields: this.#fields(oneof.fields, scope),
        groups: this.#groups(oneof.groups, scope),
      }))
      .toSorted((a, b) => (a.fields[0]?.number ?? 0) - (b.fields[0]?.number ?? 0))
  }

  #groups(groups: readonly ProtoGroup[], scope: ProtoScope): readonly ProtoGroup[] {
    return groups.map((group) => ({ ...group, fields: this.#fields(group.fields, scope) })).toSorted(byNumber)
  }

  #fields(fields: readonly ProtoField[], scope: ProtoScope): readonly ProtoField[] {
    return fields.map((field) => this.#field(field, scope)).toSorted(byNumber)
  }

  #field(field: ProtoField, scope: ProtoScope): ProtoField {
    const type = this.#fieldType(field.type, scope)
    return {
      ...field,
      type,
      label: type.startsWith('map<') ? null : field.label,
      ...this.#options.ofField(field, type, scope),
    }
  }

  #fieldType(type: string, scope: ProtoScope): string {
    if (isScalar(type)) return type
    const info = mapTypes(type) === null ? this.#types.type(type, scope) : null
    const meant = (info === null ? null : mapOf(info.type)) ?? type
    const map = mapTypes(meant)
    if (map === null) return this.#resolved(meant, scope)
    const value = this.#types.type(map.value, scope)
    return value === null ? meant : `map<${map.key}, .${value.fullName}>`
  }

  /** Extensions of one message are together, in the order of their first ones. */
  #extends(declarations: readonly ProtoExtend[], scope: ProtoScope): readonly ProtoExtend[] {
    const fields = new Map<string, ProtoField[]>()
    for (const extend of declarations) {
      if (extend.fields.length === 0) continue
      const name = this.#resolved(extend.name, scope)
      const all = fields.get(name) ?? []
      all.push(...extend.fields)
      fields.set(name, all)
    }
    return [...fields].map(([name, all]) => ({ name, fields: this.#fields(all, scope) }))
  }

  #extensions(statements: readonly ProtoExtensions[], scope: ProtoScope): readonly ProtoExtensions[] {
    return statements
      .flatMap(({ values, options }) =>
        values.map((value) => ({ values: [single(value)], options: this.#options.all(options, scope) })),
      )
      .toSorted((a, b) => startOf(a) - startOf(b))
  }

  #resolved(name: string, scope: ProtoScope): string {
    const found = this.#types.type(name, scope)
    if (found === null) throw new ProtobufError(`Could not resolve type: ${name}`)
    return `.${found.fullName}`
  }
}

function byNumber(a: { readonly number: number }, b: { readonly number: number }): number {
  return a.number - b.number
}

/** One statement for each range, numbers first. */
function singles(statements: readonly ProtoRanges[]): readonly ProtoRanges[] {
  return statements
    .flatMap(({ values }) => values.map((value) => ({ values: [single(value)] })))
    .toSorted((a, b) => startOf(a) - startOf(b) || byText(String(a.values[0]), String(b.values[0])))
}

function single(range: ProtoRange): ProtoRange {
  return typeof range === 'object' && range[0] === range[1] ? range[0] : range
}

/** Names have none. */
function startOf({ values }: ProtoRanges): number {
  const [value] = values
  if (typeof value === 'object') return value[0]
  return typeof value === 'number' ? value : 2_147_483_647
}
