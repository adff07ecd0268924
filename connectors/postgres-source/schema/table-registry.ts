import { schemaToJson, type Schema } from 'penstock/api'
import type { PgConnection } from '../connection/pg-connection.ts'
import { readWalPosition } from '../connection/wal-position.ts'
import { sameRelation } from '../replication/pgoutput.ts'
import { buildTableShape } from './build-table-shape.ts'
import { isInIdentity, readTables, type CatalogTable } from './table-catalog.ts'
import type { NullPlace, Relation, ShapeContext, TableShape } from './table-shape.ts'

/** A table's catalog entry, and the WAL position at which it was read. */
interface CatalogEntry {
  /** Null when the table did not exist. */
  readonly table: CatalogTable | null
  readonly asOf: number
}

/** Called with the name under which rows of a table arrive, whether they are captured, and the LSN of their commit. */
type OnRows = (table: TableShape, committedAt: number) => void

interface ShapeEntry {
  readonly shape: TableShape
  /** The catalog entry that the shape was built with. */
  readonly table: CatalogTable | null
}

/** Tables that are read together with a requested one. */
const maxReadTogether = 100

/** The shapes of the tables by oid, as their rows arrive. Lives as long as the task; each session reads the catalog again. */
export class TableRegistry {
  readonly #context: ShapeContext
  readonly onRows: OnRows
  readonly #shapes = new Map<number, ShapeEntry>()
  readonly #catalog = new Map<number, CatalogEntry>()
  /** Tables that the stream has not announced since the session read the catalog. */
  readonly #unseen = new Set<number>()
  /** Places of unexpected nulls, by table and column. */
  readonly #wide = new Map<number, Map<string, Set<NullPlace['cause']>>>()

  constructor(context: ShapeContext, onRows: OnRows = () => undefined) {
    this.#context = context
    this.onRows = onRows
  }

  get context(): ShapeContext {
    return this.#context
  }

  /** Adds the tables that a session reads when it starts. @param asOf the end of the WAL before they were read */
  async preload(connection: PgConnection, tables: readonly CatalogTable[], asOf: number): Promise<void> {
    await this.#context.types.load(
      connection,
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
   * Returns whether the relation can be defined without reading the catalog: the known catalog entry was read after the
   * commit of the transaction that the rows belong to, and agrees with the relation.
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

  /** Builds the shape of a relation from what is known. Unchanged schemas stay the same objects. */
  define(relation: Relation): TableShape {
    this.#unseen.delete(relation.oid)
    const entry = this.#shapes.get(relation.oid)
    const table = this.#catalog.get(relation.oid)?.table ?? null
    // An earlier NULL may be older than SET NOT NULL; the rows that follow may belong to a stricter table.
    const narrowed = this.#narrow(relation.oid)
    if (entry !== undefined && !narrowed && entry.table === table && sameRelation(entry.shape.relation, relation)) {
      return entry.shape
    }
    return this.#build(relation)
  }

  /** Reads a table's catalog entry, and those of others that will be needed too. */
  async refresh(connection: PgConnection, relation: Relation): Promise<void> {
    this.#unseen.delete(relation.oid)
    const oids = [relation.oid, ...[...this.#unseen].slice(0, maxReadTogether)]
    const asOf = await readWalPosition(connection)
    const found = new Map((await readTables(connection, oids)).map((table) => [table.oid, table]))
    await this.#context.types.load(connection, [
      ...relation.columns.map((column) => column.typeOid),
      ...[...found.values()].flatMap((table) => table.columns.map((column) => column.typeOid)),
    ])
    for (const oid of oids) this.#catalog.set(oid, { table: found.get(oid) ?? null, asOf })
  }

  /** Returns the table's shape with nulls allowed where a row holds them. */
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

  /** Builds every shape again after a type has changed. */
  rebuild(): void {
    for (const { shape } of this.#shapes.values()) this.#build(shape.relation)
  }

  #build(relation: Relation): TableShape {
    const previous = this.#shapes.get(relation.oid)?.shape ?? null
    const table = this.#catalog.get(relation.oid)?.table ?? null
    const wide = this.#wide.get(relation.oid) ?? new Map<string, Set<NullPlace['cause']>>()
    const made = buildTableShape(relation, { catalog: table, previous, wide }, this.#context)
    const shape = previous === null ? made : keepSchemas(made, previous)
    this.#shapes.set(relation.oid, { shape, table })
    return shape
  }
}

/** Returns whether the catalog entry and the relation agree on columns, identity and key. */
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
