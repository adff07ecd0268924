/** A table by its schema and name. */
export interface TableId {
  readonly schema: string
  readonly table: string
}

/** The tables that a chunk is a part of. */
export interface ChunkOwner {
  readonly hypertable: TableId
  /** The continuous aggregate whose rows the hypertable holds; null for the hypertable of a user. */
  readonly aggregate: TableId | null
}

/** Returns the text that identifies a table. Names have no NUL. */
export const tableKey = ({ schema, table }: TableId): string => `${schema}\0${table}`
