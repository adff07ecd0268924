import { schemaToJson, type Schema } from 'penstock/api'
import type { PgSession } from './session.ts'
import { readTables, type CatalogTable } from './table-catalog.ts'
import { tableShape, type Relation, type ShapeContext, type TableShape } from './table-shape.ts'
import { sameRelation } from './pgoutput.ts'

/** The shapes of the tables, by oid, as rows arrive. */
export class TableRegistry {
  readonly #context: ShapeContext
  readonly #shapes = new Map<number, TableShape>()
  readonly #catalog = new Map<number, CatalogTable>()

  constructor(context: ShapeContext) {
    this.#context = context
  }

  get context(): ShapeContext {
    return this.#context
  }

  /** Tables as the catalog describes them, read at the start: the first Relation of each need not ask again. */
  async preload(session: PgSession, tables: readonly CatalogTable[]): Promise<void> {
    await this.#context.types.load(
      session,
      tables.flatMap((table) => table.columns.map((column) => column.typeOid)),
    )
    for (const table of tables) this.#catalog.set(table.oid, table)
  }

  get(oid: number): TableShape | undefined {
    return this.#shapes.get(oid)
  }

  /** Whether the relation can be taken in without asking the database. */
  isKnown(relation: Relation): boolean {
    const shape = this.#shapes.get(relation.oid)
    if (shape !== undefined && sameRelation(shape.relation, relation)) return true
    if (!this.#context.filter.includesTable(relation)) return true
    return this.#catalog.has(relation.oid) && this.#allTypesKnown(relation)
  }

  #allTypesKnown(relation: Relation): boolean {
    return relation.columns.every((column) => this.#context.types.get(column.typeOid) !== undefined)
  }

  /** Takes a relation in by what is known; the shape's schemas stay the same objects when they say the same. */
  define(relation: Relation): TableShape {
    const previous = this.#shapes.get(relation.oid) ?? null
    if (previous !== null && sameRelation(previous.relation, relation)) return previous
    return this.#build(relation, previous)
  }

  /** Asks the catalog about a table and makes its shape anew. */
  async refresh(session: PgSession, relation: Relation): Promise<void> {
    const [table] = await readTables(session, [relation.oid])
    if (table === undefined) this.#catalog.delete(relation.oid)
    else this.#catalog.set(relation.oid, table)
    await this.#context.types.load(
      session,
      relation.columns.map((column) => column.typeOid),
    )
    this.#build(relation, this.#shapes.get(relation.oid) ?? null)
  }

  /** Makes every shape anew: a type changed. */
  rebuild(): void {
    for (const shape of this.#shapes.values()) this.#build(shape.relation, shape)
  }

  #build(relation: Relation, previous: TableShape | null): TableShape {
    const made = tableShape(relation, this.#catalog.get(relation.oid) ?? null, previous, this.#context)
    const shape = previous === null ? made : keepSchemas(made, previous)
    this.#shapes.set(relation.oid, shape)
    return shape
  }
}

function keepSchemas(made: TableShape, previous: TableShape): TableShape {
  const same = made.topic === previous.topic && sameSchema(made.envelopeSchema, previous.envelopeSchema)
  if (!same || !sameSchema(made.keySchema, previous.keySchema)) return made
  const { keySchema, rowSchema, envelopeSchema } = previous
  return { ...made, keySchema, rowSchema, envelopeSchema }
}

function sameSchema(a: Schema | null, b: Schema | null): boolean {
  return textOf(a) === textOf(b)
}

function textOf(schema: Schema | null): string {
  return schema === null ? '' : schemaToJson(schema, { decimalFormat: 'BASE64', replaceNullWithDefault: true })
}
