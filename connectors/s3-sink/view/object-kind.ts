import type { ObjectFormat } from '../format/object-format.ts'
import { packingFacts, type WholePacking } from '../object/packed-stream.ts'
import type { RecordView } from './record-view.ts'

/** The objects of a task that hold one part of its records, in one format. */
export interface ObjectKind {
  readonly view: RecordView
  readonly format: ObjectFormat
  /** How their names end: `.keys.json.gz`. */
  readonly extension: string
  readonly contentType: string
  /** Null: they are not compressed as a whole. */
  readonly packing: WholePacking | null
}

/** The kinds of a task: one for values, and those that are beside it. */
export interface ObjectKinds {
  readonly values: ObjectKind
  /** Keys and headers, where they are stored. */
  readonly companions: readonly ObjectKind[]
}

/** @param packing for formats that do not compress parts of their objects; null: none. */
export function objectKind(view: RecordView, format: ObjectFormat, packing: WholePacking | null): ObjectKind {
  const facts = format.compressible && packing !== null ? packingFacts(packing) : null
  return {
    view,
    format,
    extension: `${view.infix}${format.extension}${facts?.extension ?? ''}`,
    contentType: facts?.contentType ?? format.contentType,
    packing: facts === null ? null : packing,
  }
}

/** All kinds, that of values last. */
export function allKinds({ values, companions }: ObjectKinds): readonly ObjectKind[] {
  return [...companions, values]
}
