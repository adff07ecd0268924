import { schemaToJson, type Schema } from 'penstock/api'
import { sameRelation } from '../replication/pgoutput.ts'
import type { PgSession } from '../connection/session.ts'
import { isInIdentity, readCatalogPosition, readTables, type CatalogTable } from './table-catalog.ts'
import { tableShape, type NullPlace, type Relation, type ShapeContext, type TableShape } from './table-shape.ts'

/** What the catalog said of a table, and from which position of the log on it may say something else. */
interface CatalogEntry {
  /** Null when there was no such table. */
  readonly table: CatalogTable | null
  readonly asOf: number
}

/** Is told under which name rows of a table come, whether they are captured, and where they were committed. */
type OnRows = (table: TableShape, committedAt: number) => void

interface ShapeEntry {
  readonly shape: TableShape
  /** What the shape was made with. */
  readonly table: CatalogTable | null
}

/** Tables that are read again together with one that is asked for. */
const maxReadTogether = 100

/** The shapes of the tables, by oid, as rows arrive. Lives as long as the task; the catalog's part is as old as its session. */
export class TableRegistry {
  readonly #context: ShapeContext
  readonly onRows: OnRows
  readonly #shapes = new Map<number, ShapeEntry>()
  readonly #catalog = new Map<number, CatalogEntry>()
  /** Tables of which no row was announced since the catalog was read at a session's start. */
  readonly #unseen = new Set<number>()
  /** Where rows held nulls, by table and column. */
  readonly #wide = new Map<number, Map<string, Set<NullPlace['cause']>>>()

  constructor(context: ShapeContext, onRows: OnRows = () => undefined) {
    this.#context = context
    this.onRows = onRows
  }

  get context(): ShapeContext {
    return this.#context
  }

  /** Tables as the catalog describes them at the start of a session. `asOf` was the log's end before they were read. */
  async preload(session: PgSession, tables: readonly CatalogTable[], asOf: number): Promise<void> {
    await this.#context.types.load(
      session,
      tables.flatMap((table) => table.columns.map((column) => column.typeOid)),
    )
    for (const table of tables) {
      this.#catalog.set(table.oid, { table, asOf })
      this.#unseen.add(table.oid)
    }
  }

  get(oid: number): TableShape | undefined {
    return this.#shapes.get(oid)?.shape
  }

  /**
   * Whether the relation can be taken in without asking the database: the catalog was read after the transaction was
   * committed that the rows belong to, and says the same as the relation where both say something.
   */
  isKnown(relation: Relation, committedAt: number): boolean {
    if (!this.#context.filter.includesTable(relation)) return true
    const entry = this.#catalog.get(relation.oid)
    if (entry === undefined || entry.table === null || entry.asOf <= committedAt) return false
    return describes(entry.table, relation) && this.#allTypesKnown(relation)
  }

  #allTypesKnown(relation: Relation): boolean {
    return relation.columns.every((column) => this.#context.types.get(column.typeOid) !== undefined)
  }

  /** Takes a relation in by what is known; the shape's schemas stay the same objects when they say the same. */
  define(relation: Relation): TableShape {
    this.#unseen.delete(relation.oid)
    const entry = this.#shapes.get(relation.oid)
    const table = this.#catalog.get(relation.oid)?.table ?? null
    // A NULL was allowed when the rows before were written; those that follow may be of a stricter table.
    const narrowed = this.#narrow(relation.oid)
    if (entry !== undefined && !narrowed && entry.table === table && sameRelation(entry.shape.relation, relation)) {
      return entry.shape
    }
    return this.#build(relation)
  }

  /** Asks the catalog about a table, and about others that will have to be asked about too. */
  async refresh(session: PgSession, relation: Relation): Promise<void> {
    this.#unseen.delete(relation.oid)
    const oids = [relation.oid, ...[...this.#unseen].slice(0, maxReadTogether)]
    const asOf = await readCatalogPosition(session)
    const found = new Map((await readTables(session, oids)).map((table) => [table.oid, table]))
    await this.#context.types.load(session, [
      ...relation.columns.map((column) => column.typeOid),
      ...[...found.values()].flatMap((table) => table.columns.map((column) => column.typeOid)),
    ])
    for (const oid of oids) this.#catalog.set(oid, { table: found.get(oid) ?? null, asOf })
  }

  /** The table's shape with nulls allowed where a row holds them. */
  widen(shape: TableShape, nulls: readonly NullPlace[]): TableShape {
    const columns = this.#wide.get(shape.oid) ?? new Map<string, Set<NullPlace['cause']>>()
    this.#wide.set(shape.oid, columns)
    for (const { column, cause } of nulls) columns.set(column, (columns.get(column) ?? new Set()).add(cause))
    return this.#build(shape.relation)
  }

  #narrow(oid: number): boolean {
    let narrowed = false
    for (const causes of this.#wide.get(oid)?.values() ?? []) narrowed = causes.delete('row') || narrowed
    return narrowed
  }

  /** Makes every shape anew: a type changed. */
  rebuild(): void {
    for (const { shape } of this.#shapes.values()) this.#build(shape.relation)
  }

  #build(relation: Relation): TableShape {
    const previous = this.#shapes.get(relation.oid)?.shape ?? null
    const table = this.#catalog.get(relation.oid)?.table ?? null
    const wide = this.#wide.get(relation.oid) ?? new Map<string, Set<NullPlace['cause']>>()
    const made = tableShape(relation, { catalog: table, previous, wide }, this.#context)
    const shape = previous === null ? made : keepSchemas(made, previous)
    this.#shapes.set(relation.oid, { shape, table })
    return shape
  }
}

/** Whether the catalog and the stream agree on a table's columns, identity and key. */
function describes(table: CatalogTable, relation: Relation): boolean {
  const sent = new Map(relation.columns.map((column) => [column.name, column]))
  return (
    table.schema === relation.schema &&
    table.name === relation.name &&
    table.identity === relation.identity &&
    relation.columns.every(({ name }) => table.columns.some((column) => column.name === name)) &&
    table.columns.every(({ name, typeOid, typmod, generated }) => {
      const column = sent.get(name)
      if (column === undefined) return generated !== null
      const isSame = column.typeOid === typeOid && column.typmod === typmod
      return isSame && isInIdentity(table, name) === column.inIdentity
    })
  )
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
