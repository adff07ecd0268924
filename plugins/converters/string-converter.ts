import {
  DataError,
  javaText,
  primitive,
  type ConfigDef,
  type ConnectValue,
  type Converter,
  type ConverterPlugin,
  type ParsedConfig,
  type Schema,
  type SchemaAndValue,
} from 'penstock/api'

import { headerPluginOf } from './header-plugin.ts'

interface CharacterSet {
  readonly encoding: BufferEncoding
  /** The characters or bytes that the character set does not have. */
  readonly foreign: RegExp | null
}

const ascii: CharacterSet = { encoding: 'latin1', foreign: /\P{ASCII}/u }
const latin1: CharacterSet = { encoding: 'latin1', foreign: /[\u{100}-\u{10ffff}]/u }
const utf8: CharacterSet = { encoding: 'utf8', foreign: null }

/** Character sets by their Java names. */
const characterSets: ReadonlyMap<string, CharacterSet> = new Map([
  ['UTF8', utf8],
  ['UTF-8', utf8],
  ['US-ASCII', ascii],
  ['ISO-8859-1', latin1],
  ['LATIN1', latin1],
  ['UTF-16LE', { encoding: 'utf16le', foreign: null }],
])

const configDef = {
  'converter.encoding': {
    type: 'STRING',
    defaultValue: 'UTF-8',
    importance: 'HIGH',
    doc: 'The name of the Java character set to use for encoding strings as byte arrays.',
    displayName: 'Encoding',
    width: 'MEDIUM',
    validator: (_key, value) =>
      characterSets.has(String(value).toUpperCase()) ? null : `Must be one of: ${[...characterSets.keys()].join(', ')}`,
  },
} as const satisfies ConfigDef

const optionalString = primitive('STRING', { optional: true })

/** Writes strings, and any other value as the text of Java's `toString`. */
class StringConverter implements Converter {
  readonly #name: string
  readonly #set: CharacterSet

  constructor(config: ParsedConfig) {
    this.#name = String(config['converter.encoding'])
    this.#set = characterSets.get(this.#name.toUpperCase()) ?? utf8
  }

  fromConnect(_topic: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    return value === null ? null : Buffer.from(this.#native(javaText(schema, value)), this.#set.encoding)
  }

  toConnect(_topic: string, bytes: Uint8Array | null): SchemaAndValue {
    if (bytes === null) return { schema: optionalString, value: null }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(this.#set.encoding)
    return { schema: optionalString, value: this.#native(text) }
  }

  /** Encodes a text. Kafka's converter replaces characters that the set does not have by question marks; this one throws (I11). */
  #native(text: string): string {
    const { foreign } = this.#set
    const at = foreign === null ? -1 : text.search(foreign)
    if (at < 0) return text
    const code = text.codePointAt(at)?.toString(16).toUpperCase().padStart(4, '0')
    throw new DataError(
      `StringConverter: ${this.#name} has no U+${code}, at position ${at} of the text. Set converter.encoding=UTF-8.`,
    )
  }
}

/** `org.apache.kafka.connect.storage.StringConverter`. */
export const plugin: ConverterPlugin = {
  kind: 'converter',
  className: 'org.apache.kafka.connect.storage.StringConverter',
  aliases: [],
  version: '3.9.1',
  configDef,
  create: (config) => new StringConverter(config),
}

export const headerPlugin = headerPluginOf(plugin)
