import type { Schema } from 'penstock/api'

import { projection, type Projector } from './projection.ts'
import { sameSchema } from './same-schema.ts'

/** See `schema.compatibility`. */
export type Compatibility = 'NONE' | 'BACKWARD' | 'FORWARD' | 'FULL'

/** How a record gets into an object: as it is, projected to the schema of the object, or not at all. */
export type Fit = 'as it is' | 'not' | Projector

/**
 * Decides which records may be in one object, by the schemas of their values. The versions of schemas say which one is newer: without
 * different ones, a record of another schema is not projected. Confluent's sink fails without versions, and takes a schema with the same
 * version for the one of the object, which drops new fields.
 */
export class SchemaRule {
  readonly #compatibility: Compatibility
  readonly #known = new WeakMap<Schema, WeakMap<Schema, Fit>>()

  constructor(compatibility: Compatibility) {
    this.#compatibility = compatibility
  }

  /** Returns how a record of a schema gets into an object that began with a record of another one; null is no schema. */
  fit(record: Schema | null, object: Schema | null): Fit {
    if (record === object) return 'as it is'
    if (record === null || object === null) return 'not'
    const ofRecord = this.#known.get(record) ?? new WeakMap<Schema, Fit>()
    this.#known.set(record, ofRecord)
    const known = ofRecord.get(object)
    if (known !== undefined) return known
    const fit = sameSchema(record, object) ? 'as it is' : this.#projected(record, object)
    ofRecord.set(object, fit)
    return fit
  }

  #projected(record: Schema, object: Schema): Fit {
    if (this.#compatibility === 'NONE' || record.version === null || object.version === null) return 'not'
    const isProjected =
      this.#compatibility === 'FORWARD' ? record.version > object.version : record.version < object.version
    return isProjected ? (projection(record, object) ?? 'not') : 'not'
  }
}
