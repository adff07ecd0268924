import { errorMessage } from '../../foundation/error-message.ts'
import type { ParsedSchema, ReadingNames, SchemaSource } from '../schemas/parsed-schema.ts'
import { sortedReferences, type SchemaReference } from '../state/registry-schema.ts'
import { protobufDifferences } from './compatibility/protobuf-comparison.ts'
import { differenceText } from './compatibility/protobuf-difference.ts'
import { isKnownProto, knownTypes } from './known/known-protos.ts'
import { readDescriptor } from './descriptor/read-descriptor.ts'
import { writeDescriptor } from './descriptor/write-descriptor.ts'
import { checkProto } from './model/check-proto.ts'
import type { ProtoFile } from './model/proto-file.ts'
import { ProtoTypes, type ProtoDependency } from './model/proto-types.ts'
import { parseProto } from './parse/parse-proto.ts'
import { ProtobufError } from './parse/proto-reader.ts'
import { normalProto } from './text/normal-proto.ts'
import { protoText } from './text/proto-text.ts'
import { withoutExtensions } from './text/without-extensions.ts'

/** A Protobuf schema of a subject. */
export class ParsedProtobuf implements ParsedSchema {
  readonly schemaType = 'PROTOBUF'
  readonly references: readonly SchemaReference[]
  readonly #file: ProtoFile
  readonly #dependencies: ReadonlyMap<string, ProtoDependency>
  readonly #types: ProtoTypes
  #text: string | null = null
  #isChecked = false

  private constructor(
    file: ProtoFile,
    references: readonly SchemaReference[],
    dependencies: ReadonlyMap<string, ProtoDependency>,
  ) {
    this.#file = file
    this.references = references
    this.#dependencies = dependencies
    this.#types = new ProtoTypes(file, dependencies.values(), knownTypes())
  }

  /** @throws ProtobufError */
  static parse({ schema, references, resolved }: SchemaSource): ParsedProtobuf {
    const dependencies = new Map<string, ProtoDependency>()
    const origins = new Map(references.map(({ name, subject, version }) => [name, JSON.stringify([subject, version])]))
    for (const { name, schema: text } of resolved)
      dependencies.set(name, { file: parsedReference(name, text), origin: origins.get(name) ?? null })
    return new ParsedProtobuf(parseSource(schema), references, dependencies)
  }

  /** @throws ProtobufError */
  check(): void {
    if (this.#isChecked) return
    checkProto(this.#file, this.#types, (name) => this.#isKnownFile(name))
    this.#isChecked = true
  }

  get text(): string {
    this.#text ??= protoText(this.#file)
    return this.#text
  }

  get identity(): string {
    return this.text
  }

  normalized(): ParsedProtobuf {
    const text = protoText(normalProto(this.#file, this.#types))
    return new ParsedProtobuf(parseProto(text), sortedReferences(this.references), this.#dependencies)
  }

  formatted(format: string): string {
    const kind = format.toLowerCase()
    if (kind === 'ignore_extensions') return protoText(withoutExtensions(this.#file))
    if (kind !== 'serialized') return this.text
    return writeDescriptor(this.#file, this.#types, (name) => this.#isKnownFile(name)).toString('base64')
  }

  readingProblems(writer: ParsedSchema, names: ReadingNames): readonly string[] {
    if (!(writer instanceof ParsedProtobuf)) throw new TypeError('the schemas are of different types')
    try {
      const differences = protobufDifferences(writer.#compared(), this.#compared())
      return differences.map((difference) => differenceText(difference, names))
    } catch (error) {
      return [`The schemas cannot be compared: ${errorMessage(error)}`]
    }
  }

  #isKnownFile(name: string): boolean {
    return this.#dependencies.has(name) || isKnownProto(name)
  }

  #compared(): Parameters<typeof protobufDifferences>[0] {
    return { packageName: this.#file.packageName, types: this.#file.types, known: this.#types }
  }
}

function parsedReference(name: string, text: string): ProtoFile {
  try {
    return parseSource(text)
  } catch (error) {
    throw new ProtobufError(`the reference "${name}" is no Protobuf schema: ${errorMessage(error)}`)
  }
}

/** The file of a text, or of a `FileDescriptorProto` in Base64. @throws ProtobufError */
function parseSource(text: string): ProtoFile {
  if (!/^[A-Za-z0-9+/]{4,}={0,2}$/.test(text)) return parseProto(text)
  const file = readDescriptor(Buffer.from(text, 'base64'))
  const written = protoText(file)
  const parsed = parseProto(written)
  // Names could be more than names.
  if (protoText(parsed) !== written) throw new ProtobufError('the descriptor has names that are none')
  return parsed
}
