import { ConfigError, NotReadyError, type RawConfig, type Transform } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin } from '../../../../connectors/postgres-source/timescaledb/timescaledb.ts'
import { checkConfig, parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { changeIn } from '../../../oracle/debezium/timescaledb.ts'
import { recordWith } from '../../../oracle/debezium/events.ts'
import { recordFrom } from '../../../oracle/oracle-json.ts'

const connection = { 'database.hostname': '127.0.0.1', 'database.user': 'reader', 'database.dbname': 'shop' }
const create = (config: RawConfig): Transform => plugin.create(parseConfig(plugin.configDef, config), config)
const problemsOf = (config: RawConfig): readonly string[] =>
  checkConfig(plugin.configDef, config).problems.map(({ key }) => key)

describe('the settings of TimescaleDb', () => {
  it('need an address, a user and a database', () => {
    expect(problemsOf({})).toEqual(['database.hostname', 'database.user', 'database.dbname'])
    expect(problemsOf(connection)).toEqual([])
  })

  it('have the options of the connection of the source, with what that refuses', () => {
    expect(problemsOf({ ...connection, 'database.sslmode': 'verify-all', 'database.port': '0' })).toEqual([
      'database.port',
      'database.sslmode',
    ])
    expect(problemsOf({ ...connection, 'database.sslfactory': 'org.example.Factory' })).toEqual(['database.sslfactory'])
    expect(problemsOf({ ...connection, 'database.initial.statements': 'set a = b' })).toEqual([
      'database.initial.statements',
    ])
  })

  it.each(['database.loginTimeout', 'database.connection.factory.class', 'driver.loginTimeout'])(
    'refuse %s, which Debezium would give to its driver',
    (key) => {
      expect(() => create({ ...connection, [key]: '1' })).toThrow(ConfigError)
      expect(() => create({ ...connection, [key]: '1' })).toThrow(`${key} is not supported`)
    },
  )
})

describe('TimescaleDb', () => {
  it('waits for the database before it knows what a table of its schemas is, and only then', () => {
    const transform = create(connection)
    const recordOf = (schema: string) => recordFrom(recordWith(changeIn(schema, '_hyper_1_1_chunk')))
    const other = recordOf('public')
    expect(transform.apply(other)).toBe(other)
    expect(() => transform.apply(recordOf('_timescaledb_internal'))).toThrow(NotReadyError)
    expect(() => transform.apply(recordOf('_timescaledb_internal'))).toThrow(
      'it waits for the hypertable of _timescaledb_internal._hyper_1_1_chunk',
    )
  })
})
