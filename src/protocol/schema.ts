/*
 * Kafka messages as data. A message is a record of fields in wire order; every field says in which versions it exists, from
 * which version it may be null, and whether it travels as a tagged field. `codec.ts` compiles such a record once per version.
 *
 * Values: int64 is a number (nearest double beyond 2^53), uuid is Kafka's text form (base64url, 22 characters), `bytes` is a
 * copy, `records` is a view of the frame. Decoded values have every field: one that the version does not have holds its
 * default. On the way out a field that has a default, or is not in every version, may be left out; what the version does not
 * have is not written.
 */

/** The wire types that are not arrays or structs. */
export type ScalarType = 'bool' | 'int8' | 'int16' | 'int32' | 'int64' | 'string' | 'uuid' | 'bytes' | 'records'

/** The options of a field of type T. */
export interface FieldOptions<T> {
  /** First version that has the field. */
  readonly since?: number
  /** Last version that has it. */
  readonly until?: number
  /** From which version it may be null; `true` means all. */
  readonly nullable?: true | number
  /** Number of the tagged field: left out where the value is the default. Flexible versions only. */
  readonly tag?: number
  /** The value where the field is absent; a field with a default may be left out when encoding. */
  readonly default?: T | null
}

declare const types: unique symbol

/** A field of a message. The type parameters carry what it decodes to, what may be encoded, and whether it may be left out. */
export interface Field<Decoded = unknown, Encodable = unknown, Optional extends boolean = boolean> {
  readonly type: ScalarType | 'array' | 'struct'
  readonly options: FieldOptions<unknown>
  /** Elements of an array. */
  readonly element: Field | null
  /** Fields of a struct. */
  readonly fields: Fields | null
  /** Never there: holds the types. */
  readonly [types]?: { readonly decoded: Decoded; readonly encodable: Encodable; readonly optional: Optional }
}

/** The fields of a message or struct, in wire order. */
export type Fields = Readonly<Record<string, Field>>

type Nullable<T, O> = O extends { readonly nullable: true | number } ? T | null : T
type Lapses =
  | { readonly default: unknown }
  | { readonly tag: number }
  | { readonly since: number }
  | { readonly until: number }
type IsOptional<O> = O extends Lapses ? true : false
type DecodedOf<F> = F extends Field<infer D> ? D : never
type EncodableOf<F> = F extends Field<unknown, infer E> ? E : never
type OptionalKeys<S extends Fields> = {
  [K in keyof S]: S[K] extends Field<unknown, unknown, true> ? K : never
}[keyof S]

/** The type that a struct decodes to; it has every field. */
export type Decoded<S extends Fields> = { readonly [K in keyof S]: DecodedOf<S[K]> }

/** The type that a struct is encoded from; fields with a default may be left out. */
export type Encodable<S extends Fields> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: EncodableOf<S[K]>
} & { readonly [K in OptionalKeys<S>]?: EncodableOf<S[K]> | undefined }

type ScalarField<T, O> = Field<Nullable<T, O>, Nullable<T, O>, IsOptional<O>>
type ScalarMaker<T> = <const O extends FieldOptions<T> = Record<never, never>>(options?: O) => ScalarField<T, O>

function scalar<T>(type: ScalarType): ScalarMaker<T> {
  return (options) => ({ type, options: options ?? {}, element: null, fields: null })
}

export const bool = scalar<boolean>('bool')
export const int8 = scalar<number>('int8')
export const int16 = scalar<number>('int16')
export const int32 = scalar<number>('int32')
export const int64 = scalar<number>('int64')
export const string = scalar<string>('string')
export const uuid = scalar<string>('uuid')
export const bytes = scalar<Buffer>('bytes')

/** Record batches: always nullable on the wire. */
export function records<const O extends FieldOptions<Buffer> = Record<never, never>>(
  options?: O,
): Field<Buffer | null, Buffer | null, IsOptional<O>> {
  return { type: 'records', options: { nullable: true, ...options }, element: null, fields: null }
}

/** An array of structs, given as their fields, or of one scalar. */
export function array<
  const E extends Field | Fields,
  const O extends FieldOptions<readonly never[]> = Record<never, never>,
>(
  element: E,
  options?: O,
): E extends Field<infer D, infer I>
  ? Field<Nullable<readonly D[], O>, Nullable<readonly I[], O>, IsOptional<O>>
  : E extends Fields
    ? Field<Nullable<readonly Decoded<E>[], O>, Nullable<readonly Encodable<E>[], O>, IsOptional<O>>
    : never
export function array(element: Field | Fields, options?: FieldOptions<readonly never[]>): Field {
  const of = isField(element) ? element : structOf(element)
  return { type: 'array', options: options ?? {}, element: of, fields: null }
}

/** A struct that travels as a tagged field; null where it is absent. */
export function taggedStruct<const S extends Fields>(
  tag: number,
  fields: S,
  options: { readonly since: number },
): Field<Decoded<S> | null, Encodable<S> | null, true> {
  return { type: 'struct', options: { ...options, tag, default: null }, element: null, fields }
}

function structOf(fields: Fields): Field {
  return { type: 'struct', options: {}, element: null, fields }
}

function isField(candidate: Field | Fields): candidate is Field {
  return typeof candidate['type'] === 'string'
}

/** An API: its key, the versions we speak, and the two messages. */
export interface Api<Request extends Fields = Fields, Response extends Fields = Fields> {
  readonly key: number
  /** Kafka's name of the API. */
  readonly name: string
  /** First and last version that is encoded and decoded here. */
  readonly versions: readonly [number, number]
  /** First version with compact types and tagged fields; null: none. */
  readonly flexibleFrom: number | null
  readonly request: Request
  readonly response: Response
}

/** The type that a request decodes to. */
export type RequestOf<A extends Api> = Decoded<A['request']>
/** The type that a response decodes to. */
export type ResponseOf<A extends Api> = Decoded<A['response']>
/** The type that a request is encoded from. */
export type RequestValue<A extends Api> = Encodable<A['request']>
/** The type that a response is encoded from. */
export type ResponseValue<A extends Api> = Encodable<A['response']>

/** Gives an API its types. */
export function defineApi<const Request extends Fields, const Response extends Fields>(
  api: Api<Request, Response>,
): Api<Request, Response> {
  return api
}

/** The uuid that means "none". */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'
