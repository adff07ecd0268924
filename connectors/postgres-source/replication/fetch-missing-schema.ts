import type { Logger } from 'penstock/api'
import type { PgConnection } from '../connection/pg-connection.ts'
import type { TableRegistry } from '../schema/table-registry.ts'
import type { MissingSchema } from './change-event-decoder.ts'

/** Reads from the catalog what the stream needs to decode its next message. */
export async function fetchMissingSchema(
  sql: PgConnection,
  missing: MissingSchema,
  tables: TableRegistry,
  logger: Logger,
): Promise<void> {
  if (missing.kind === 'relation') {
    logger.debug(`reading the catalog entry of ${missing.relation.schema}.${missing.relation.name}`)
    await tables.refresh(sql, missing.relation)
    return
  }
  const { typeOid, label } = missing.error
  const { types } = tables.context
  await types.reloadEnums(sql)
  if (types.get(typeOid)?.labels.includes(label) !== true) types.addLabel(typeOid, label)
  tables.rebuild()
}
