import { DataError, type Field, type Schema } from 'penstock/api'

import { Names, parameterOf } from '../names.ts'

const maxTag = 536_870_911
/** Protobuf keeps these numbers for itself. */
const reserved = { first: 19_000, last: 19_999 }

/**
 * The tags of the fields of a message: those of their parameter, and counted from 1 without it. Numbers of parameters are left out,
 * so that a field that a transform adds to a message that was read gets one of its own.
 */
export class TagNumbers {
  readonly #given = new Map<number, Schema>()
  #last = 0

  constructor(fields: readonly Field[], isUnion: (schema: Schema) => boolean) {
    for (const { schema } of fields)
      for (const each of isUnion(schema) ? schema.fields : [{ schema }]) this.#note(each.schema)
  }

  #note(schema: Schema): void {
    const tag = givenTag(schema)
    if (tag === null) return
    if (this.#given.has(tag))
      throw new DataError(`two fields of a struct have the tag ${tag} in the parameter ${Names.tag}`)
    this.#given.set(tag, schema)
  }

  of(schema: Schema): number {
    const given = givenTag(schema)
    if (given !== null) return given
    do this.#last = this.#last + 1 === reserved.first ? reserved.last + 1 : this.#last + 1
    while (this.#given.has(this.#last))
    return this.#last
  }
}

function givenTag({ parameters }: Schema): number | null {
  const text = parameterOf(parameters, Names.tag)
  if (text === null) return null
  const tag = Number(text)
  if (/^\d+$/.test(text) && tag > 0 && tag <= maxTag) return tag
  throw new DataError(
    `the parameter ${Names.tag} is "${text}", which is no tag of a field: it is a number from 1 to ${maxTag}`,
  )
}
