import { ByteSink } from 'penstock/api'

import { writeVarint } from './varint.ts'

const types = { true: 1, false: 2, i16: 4, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const

/** The types of list items that Parquet needs. */
export type ItemType = 'i32' | 'binary' | 'struct'

/**
 * Writes structs in Thrift's compact protocol. Fields are written in the order of their numbers.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export class ThriftWriter {
  readonly #sink = new ByteSink()
  /** The number of the last field, of each struct that is open. */
  readonly #last: number[] = [0]

  /** Returns the bytes written by `write`, which are those of one struct. */
  static struct(write: (thrift: ThriftWriter) => void): Buffer {
    const thrift = new ThriftWriter()
    write(thrift)
    thrift.#sink.byte(0)
    return Buffer.from(thrift.#sink.take())
  }

  bool(id: number, value: boolean): void {
    this.#field(id, value ? types.true : types.false)
  }

  i16(id: number, value: number): void {
    this.#field(id, types.i16)
    this.#zigzag(value)
  }

  i32(id: number, value: number): void {
    this.#field(id, types.i32)
    this.#zigzag(value)
  }

  i64(id: number, value: number): void {
    this.#field(id, types.i64)
    this.#zigzag(value)
  }

  binary(id: number, value: string | Buffer): void {
    this.#field(id, types.binary)
    this.#bytes(value)
  }

  struct(id: number, write: () => void): void {
    this.#field(id, types.struct)
    this.#body(write)
  }

  i32List(id: number, values: readonly number[]): void {
    this.#list(id, 'i32', values.length)
    for (const value of values) this.#zigzag(value)
  }

  binaryList(id: number, values: readonly string[]): void {
    this.#list(id, 'binary', values.length)
    for (const value of values) this.#bytes(value)
  }

  structList<T>(id: number, values: readonly T[], write: (value: T) => void): void {
    this.#list(id, 'struct', values.length)
    for (const value of values) this.#body(() => write(value))
  }

  /** Structs that are written already. */
  encodedList(id: number, structs: readonly Buffer[]): void {
    this.#list(id, 'struct', structs.length)
    for (const one of structs) this.#sink.bytes(one)
  }

  #body(write: () => void): void {
    this.#last.push(0)
    write()
    this.#last.pop()
    this.#sink.byte(0)
  }

  #field(id: number, type: number): void {
    const level = this.#last.length - 1
    const delta = id - (this.#last[level] ?? 0)
    this.#last[level] = id
    if (delta > 0 && delta <= 15) this.#sink.byte((delta << 4) | type)
    else {
      this.#sink.byte(type)
      this.#zigzag(id)
    }
  }

  #list(id: number, type: ItemType, size: number): void {
    this.#field(id, types.list)
    if (size < 15) this.#sink.byte((size << 4) | types[type])
    else {
      this.#sink.byte(0xf0 | types[type])
      writeVarint(this.#sink, size)
    }
  }

  #zigzag(value: number): void {
    writeVarint(this.#sink, value < 0 ? -2 * value - 1 : 2 * value)
  }

  #bytes(value: string | Buffer): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    writeVarint(this.#sink, bytes.length)
    this.#sink.bytes(bytes)
  }
}
