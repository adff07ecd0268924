import { tableKey, type ChunkOwner } from '../../../connectors/postgres-source/timescaledb/chunk-owner.ts'
import { TimescaleDb, timescaleSettings } from '../../../connectors/postgres-source/timescaledb/timescaledb.ts'
import { chunks } from '../../oracle/debezium/timescaledb.ts'
import type { ChunkJson } from '../../oracle/oracle-json.ts'
import type { StagePlugin } from '../../oracle/check-case.ts'

/** Returns the owners of chunks, as a database would name them. */
export function ownersOf(all: readonly ChunkJson[]): ReadonlyMap<string, ChunkOwner> {
  return new Map(
    all.map(([schema, table, hyperSchema, hyperTable, viewSchema, view]) => [
      tableKey({ schema, table }),
      {
        hypertable: { schema: hyperSchema, table: hyperTable },
        aggregate: viewSchema === undefined || view === undefined ? null : { schema: viewSchema, table: view },
      },
    ]),
  )
}

/** Returns TimescaleDb on the chunks of the recorded cases instead of a database. */
export function withChunks(plugin: StagePlugin): StagePlugin {
  if (plugin.kind !== 'transformation') throw new TypeError(`${plugin.className} is no transform`)
  const owners = ownersOf(chunks)
  return {
    ...plugin,
    create(config, raw) {
      plugin.create(config, raw)
      return new TimescaleDb(timescaleSettings(config), { ownerOf: (table) => owners.get(tableKey(table)) ?? null })
    },
  }
}
