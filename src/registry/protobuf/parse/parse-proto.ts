import type {
  ProtoEnum,
  ProtoExtend,
  ProtoFile,
  ProtoMessage,
  ProtoOption,
  ProtoRpc,
  ProtoService,
  ProtoType,
} from '../model/proto-file.ts'
import { isFieldStart, parseConstant, parseExtensions, parseField, parseOneof, parseReserved } from './parse-members.ts'
import { maxDepth, parseOption } from './parse-options.ts'
import { ProtoReader } from './proto-reader.ts'

/** Of messages, as for protoc. */
export const maxNesting = 32

/** What is filled while it is parsed. */
type Mutable<T> = {
  -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K]
}

/**
 * Parses the text of a `.proto` file of proto2 or proto3.
 * @throws ProtobufError that names the line
 */
export function parseProto(text: string): ProtoFile {
  return new ProtoParser(text).file()
}

class ProtoParser {
  readonly #reader: ProtoReader
  #syntax: ProtoFile['syntax'] = null

  constructor(text: string) {
    this.#reader = new ProtoReader(text)
  }

  file(): ProtoFile {
    const file: Mutable<ProtoFile> = {
      syntax: null,
      packageName: null,
      imports: [],
      publicImports: [],
      weakImports: [],
      options: [],
      types: [],
      extends: [],
      services: [],
    }
    for (let index = 0; !this.#reader.isAtEnd; index += 1) if (!this.#reader.takes(';')) this.#declaration(file, index)
    return file
  }

  #declaration(file: Mutable<ProtoFile>, index: number): void {
    const reader = this.#reader
    const word = reader.word()
    if (word === 'syntax') file.syntax = this.#syntaxOf(index)
    else if (word === 'edition')
      throw reader.error('editions are not supported, as in Confluent\'s registry: use syntax = "proto2" or "proto3"')
    else if (word === 'package') this.#package(file)
    else if (word === 'import') this.#import(file)
    else if (word === 'option') file.options.push(this.#option())
    else if (word === 'message' || word === 'enum') file.types.push(this.#type(word, 0))
    else if (word === 'service') file.services.push(this.#service())
    else if (word === 'extend') file.extends.push(this.#extend())
    else throw reader.error(`"${word}" begins no declaration`)
  }

  #syntaxOf(index: number): ProtoFile['syntax'] {
    const reader = this.#reader
    if (index > 0) throw reader.error('"syntax" is not the first declaration of the file')
    reader.require('=')
    const name = reader.string()
    if (name !== 'proto2' && name !== 'proto3')
      throw reader.error(`the syntax "${name}" is not known: use "proto2" or "proto3"`)
    reader.require(';')
    this.#syntax = name
    return name
  }

  #package(file: Mutable<ProtoFile>): void {
    if (file.packageName !== null) throw this.#reader.error('the file has two packages')
    const name = this.#reader.typeName()
    if (name.startsWith('.')) throw this.#reader.error(`"${name}" is not the name of a package`)
    if (name.split('.').length > maxDepth) throw this.#reader.error(`the package has more than ${maxDepth} parts`)
    file.packageName = name
    this.#reader.require(';')
  }

  #import(file: Mutable<ProtoFile>): void {
    const reader = this.#reader
    const isPlain = reader.peek() === '"' || reader.peek() === "'"
    const kind = isPlain ? '' : reader.word()
    if (kind !== '' && kind !== 'public' && kind !== 'weak') throw reader.error(`"${kind}" is no kind of import`)
    const name = reader.string()
    // The text has the name as it is.
    if (!/^[^"\\\r\n]+$/.test(name))
      throw reader.error('the name of the import is empty, or has quotes, backslashes or line ends')
    const list = { '': file.imports, public: file.publicImports, weak: file.weakImports }[kind]
    list.push(name)
    reader.require(';')
  }

  #option(): ProtoOption {
    const option = parseOption(this.#reader)
    this.#reader.require(';')
    return option
  }

  #type(kind: 'message' | 'enum', depth: number): ProtoType {
    return kind === 'message' ? this.#message(depth) : this.#enum()
  }

  #message(depth: number): ProtoMessage {
    const reader = this.#reader
    if (depth > maxNesting) throw reader.error(`messages are nested more than ${maxNesting} deep`)
    const message: Mutable<ProtoMessage> = {
      kind: 'message',
      name: reader.identifier('a message'),
      reserved: [],
      options: [],
      fields: [],
      oneofs: [],
      groups: [],
      extensions: [],
      extends: [],
      types: [],
    }
    reader.require('{')
    while (!reader.takes('}')) if (!reader.takes(';')) this.#member(message, depth)
    return message
  }

  #member(message: Mutable<ProtoMessage>, depth: number): void {
    const reader = this.#reader
    const word = reader.word()
    // A field may have the name of a keyword as its type only in proto3, where nothing comes before it.
    if (word === 'option') message.options.push(this.#option())
    else if (word === 'reserved') message.reserved.push(parseReserved(reader))
    else if (word === 'message' || word === 'enum') message.types.push(this.#type(word, depth + 1))
    else if (word === 'extend') message.extends.push(this.#extend())
    else if (word === 'oneof') message.oneofs.push(parseOneof(reader))
    else if (word === 'extensions') message.extensions.push(parseExtensions(reader))
    else if (isFieldStart(reader, word, this.#syntax)) {
      const field = parseField(reader, word, this.#syntax)
      if ('type' in field) message.fields.push(field)
      else message.groups.push(field)
    }
  }

  #enum(): ProtoEnum {
    const reader = this.#reader
    const type: Mutable<ProtoEnum> = {
      kind: 'enum',
      name: reader.identifier('an enum'),
      reserved: [],
      options: [],
      constants: [],
    }
    reader.require('{')
    while (!reader.takes('}')) {
      if (reader.takes(';')) continue
      const word = reader.word()
      if (word === 'option' && reader.peek() !== '=') type.options.push(this.#option())
      else if (word === 'reserved' && reader.peek() !== '=') type.reserved.push(parseReserved(reader))
      else type.constants.push(parseConstant(reader, word))
    }
    return type
  }

  #extend(): ProtoExtend {
    const reader = this.#reader
    const extend: Mutable<ProtoExtend> = { name: reader.typeName(), fields: [] }
    reader.require('{')
    while (!reader.takes('}')) {
      if (reader.takes(';')) continue
      const word = reader.word()
      if (!isFieldStart(reader, word, this.#syntax)) continue
      const field = parseField(reader, word, this.#syntax)
      if (!('type' in field)) throw reader.error('a group in an extension is not supported')
      extend.fields.push(field)
    }
    return extend
  }

  #service(): ProtoService {
    const reader = this.#reader
    const service: Mutable<ProtoService> = { name: reader.identifier('a service'), options: [], rpcs: [] }
    reader.require('{')
    while (!reader.takes('}')) {
      if (reader.takes(';')) continue
      const word = reader.word()
      if (word === 'option') service.options.push(this.#option())
      else if (word === 'rpc') service.rpcs.push(this.#rpc())
      else throw reader.error(`"${word}" begins no declaration of a service`)
    }
    return service
  }

  #rpc(): ProtoRpc {
    const reader = this.#reader
    const name = reader.identifier('an rpc')
    const request = this.#rpcType()
    if (reader.word() !== 'returns') throw reader.error('"returns" is expected')
    const response = this.#rpcType()
    const options: ProtoOption[] = []
    if (reader.takes('{'))
      while (!reader.takes('}')) {
        if (reader.takes(';')) continue
        if (reader.word() !== 'option') throw reader.error('"option" is expected')
        options.push(this.#option())
      }
    else reader.require(';')
    return {
      name,
      requestType: request.type,
      requestStreaming: request.isStream,
      responseType: response.type,
      responseStreaming: response.isStream,
      options,
    }
  }

  #rpcType(): { readonly type: string; readonly isStream: boolean } {
    const reader = this.#reader
    reader.require('(')
    const word = reader.word()
    const isStream = word === 'stream' && reader.peek() !== ')'
    const type = isStream ? reader.typeName() : reader.typeName(word)
    reader.require(')')
    return { type, isStream }
  }
}
