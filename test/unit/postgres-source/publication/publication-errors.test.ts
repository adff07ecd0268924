import { describe, expect, it } from 'vitest'
import { PostgresServerError } from '../../../../connectors/postgres-source/connection/pg-error.ts'
import {
  throwOnSkippedRow,
  streamFailure,
} from '../../../../connectors/postgres-source/publication/publication-errors.ts'

const said = (message: string, sqlState: string): PostgresServerError =>
  new PostgresServerError(message, sqlState, null, null)

describe('a row that was written while its publication did not exist', () => {
  it('is recognized by the error that ends the stream before Postgres 18, in any language of the server', () => {
    for (const message of ['publication "shop" does not exist', 'Publikation »shop« existiert nicht']) {
      const failure = streamFailure(said(message, '42704'), 'shop', 'slot')
      expect(failure.message).toMatch(/^PG_PUBLICATION: publication "shop" did not exist when a row was written/)
      expect(failure.message).toContain("pg_drop_replication_slot('slot')")
    }
  })

  it('is recognized by the warning since Postgres 18', () => {
    expect(() => throwOnSkippedRow(said('skipped loading publication "shop"', '55000'), 'shop', 'slot')).toThrow(
      /^PG_PUBLICATION: /,
    )
  })

  it('is not confused with other errors and warnings, which pass unchanged', () => {
    const others = [said('type "shop" is not ready', '55000'), said('collation "x" does not exist', '42704')]
    for (const other of others) expect(streamFailure(other, 'shop', 'slot')).toBe(other)
    throwOnSkippedRow(said('publication "shop" is fine', '01000'), 'shop', 'slot')
    throwOnSkippedRow(said('something else', '55000'), 'shop', 'slot')
  })
})
