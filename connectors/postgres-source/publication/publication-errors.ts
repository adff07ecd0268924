import { ConnectError } from 'penstock/api'
import type { SourceSettings } from '../config/source-settings.ts'
import { codeOf, invalidText, type PostgresServerError } from '../connection/pg-error.ts'
import type { PreflightResult } from '../preflight/run-preflight.ts'
import { rereadAdvice } from '../replication/slot.ts'

/** SQLSTATE of decoding without the publication: undefined_object of the error, and the code of the warning since Postgres 18. */
const undefinedObject = '42704'
const notInState = '55000'

/** A slot decodes with the catalog as of its own position: a publication that was created later does not exist there. */
export function throwIfPublicationMissing(
  { slot, publication }: PreflightResult,
  settings: SourceSettings,
  hasOffset: boolean,
): void {
  if (slot === null || publication !== null) return
  const remedy = hasOffset
    ? rereadAdvice(settings.slot, true)
    : `To start again, run: SELECT pg_drop_replication_slot('${settings.slot}'); then restart the task.`
  throw new ConnectError(
    `replication slot "${settings.slot}" exists and publication "${settings.publication}" does not: a slot cannot use a ` +
      `publication that is created after it. ${remedy} If the publication has another name, set publication.name.`,
    { code: 'PG_PUBLICATION' },
  )
}

/** Adds the remedy to an error that ended the stream. A row that was written without its publication can never be decoded. */
export function streamFailure(error: Error, publication: string, slot: string): Error {
  if (codeOf(error) === invalidText) {
    return new ConnectError(
      `the stream cannot send a row: ${error.message}. The database holds bytes that are not valid UTF-8, which the ` +
        `encoding SQL_ASCII allows, and what is in the WAL cannot be corrected. Correct the rows. ${rereadAdvice(slot, true)}`,
      { code: 'PG_ENCODING', cause: error },
    )
  }
  if (codeOf(error) !== undefinedObject || !error.message.includes(publication)) return error
  return rowWithoutPublication(error, publication, slot)
}

/** Postgres 18 skips such a row with only a server warning: the change would be lost silently (I7). */
export function throwOnSkippedRow(notice: PostgresServerError, publication: string, slot: string): void {
  if (notice.sqlState !== notInState || !notice.message.includes(publication)) return
  throw rowWithoutPublication(notice, publication, slot)
}

function rowWithoutPublication(cause: Error, publication: string, slot: string): ConnectError {
  return new ConnectError(
    `publication "${publication}" did not exist when a row was written, and a slot decodes with the catalog as of that time: ` +
      'creating it again does not help. Changes since then are lost to this connector. If the publication is still missing and ' +
      `publication.autocreate.mode is disabled, create it. ${rereadAdvice(slot, true)}`,
    { code: 'PG_PUBLICATION', cause },
  )
}
