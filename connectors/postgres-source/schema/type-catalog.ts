import type { PgConnection } from '../connection/pg-connection.ts'

/** A Postgres type as the catalog describes it. */
export interface PgType {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** pg_type.typtype: b base, c composite, d domain, e enum, p pseudo, r range, m multirange. */
  readonly kind: string
  /** The element's type when this is an array type. */
  readonly elementOid: number | null
  /** For a domain: its base type, and the modifier (-1 for none). */
  readonly domainOf: { readonly oid: number; readonly typmod: number } | null
  /** Labels of an enum in their order. */
  readonly labels: readonly string[]
}

interface TypeRow {
  oid: number
  schema: string
  name: string
  kind: string
  element: number | null
  base: number
  base_typmod: number
  labels: string[] | null
}

const typeSql = `
select t.oid::int8::float8 as oid, n.nspname as schema, t.typname as name, t.typtype::text as kind,
  e.oid::int8::float8 as element, t.typbasetype::int8::float8 as base, t.typtypmod as base_typmod,
  (select array_agg(l.enumlabel::text order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid) as labels
from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_type e on e.typarray = t.oid
where t.oid = any($1::oid[])`

/** The types of columns, read from the catalog when they first appear. */
export class TypeCatalog {
  readonly #types = new Map<number, PgType>()

  get(oid: number): PgType | undefined {
    return this.#types.get(oid)
  }

  add(type: PgType): void {
    this.#types.set(type.oid, type)
  }

  /** Loads the types and the types that they consist of. A dropped type stays unknown. */
  async load(connection: PgConnection, oids: Iterable<number>): Promise<void> {
    let missing = [...new Set(oids)].filter((oid) => !this.#types.has(oid))
    while (missing.length > 0) {
      const rows = await connection.query<TypeRow>(typeSql, [missing])
      for (const row of rows) this.add(typeOf(row))
      const parts = rows.flatMap((row) => [row.element ?? 0, row.base]).filter((oid) => oid !== 0)
      missing = [...new Set(parts)].filter((oid) => !this.#types.has(oid))
    }
  }

  /** Reads all enums again, because a label was added to one of them. */
  async reloadEnums(connection: PgConnection): Promise<void> {
    const enums = [...this.#types.values()].filter((type) => type.kind === 'e')
    for (const { oid } of enums) this.#types.delete(oid)
    await this.load(
      connection,
      enums.map((type) => type.oid),
    )
  }

  /** Adds a label that the catalog no longer has: it was renamed after the change was made. */
  addLabel(oid: number, label: string): void {
    const type = this.#types.get(oid)
    if (type !== undefined) this.#types.set(oid, { ...type, labels: [...type.labels, label] })
  }

  /** Returns the type under any domains, with the modifier that applies. */
  resolve(oid: number, typmod: number): { type: PgType; typmod: number } | null {
    let type = this.#types.get(oid)
    let modifier = typmod
    while (type !== undefined && type.domainOf !== null) {
      if (modifier === -1) modifier = type.domainOf.typmod
      type = this.#types.get(type.domainOf.oid)
    }
    return type === undefined ? null : { type, typmod: modifier }
  }
}

function typeOf(row: TypeRow): PgType {
  return {
    oid: row.oid,
    schema: row.schema,
    name: row.name,
    kind: row.kind,
    elementOid: row.element,
    domainOf: row.kind === 'd' ? { oid: row.base, typmod: row.base_typmod } : null,
    labels: row.labels ?? [],
  }
}
