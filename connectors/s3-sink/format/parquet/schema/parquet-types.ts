/** Physical types, with the numbers that the footer has for them. */
export const physicalTypes = { boolean: 0, int32: 1, int64: 2, float: 4, double: 5, byteArray: 6, fixed: 7 } as const

export type PhysicalType = keyof typeof physicalTypes

/** Whether a value is there once, at most once or any number of times in its group; with the numbers of the footer. */
export const repetitions = { required: 0, optional: 1, repeated: 2 } as const

export type Repetition = keyof typeof repetitions

/** The meaning of a physical type or of a group. */
export type Annotation =
  | { readonly kind: 'string' | 'enum' | 'date' | 'time' | 'timestamp' | 'list' | 'map' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

/** A line of the schema in the footer: a column, or a group of the elements that follow it. */
export interface SchemaElement {
  readonly name: string
  readonly repetition: Repetition | null
  readonly type: PhysicalType | null
  /** Of type `fixed` only: the number of bytes. */
  readonly length: number | null
  /** The number of elements in a group; null for a column. */
  readonly children: number | null
  readonly annotation: Annotation | null
}

/** A column. */
export interface Leaf {
  readonly path: readonly string[]
  readonly type: PhysicalType
  /** The size of a value while it is collected; 0: values have a length of four bytes before them. */
  readonly width: number
  /** How byte arrays are compared: decimals are numbers. */
  readonly order: 'bytes' | 'decimals'
  readonly maxDefinition: number
  readonly maxRepetition: number
}

/** The smallest and the largest value, PLAIN-encoded without a length. */
export interface Bounds {
  readonly min: Buffer
  readonly max: Buffer
}
