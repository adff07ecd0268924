import {
  ConfigError,
  ConnectError,
  systemClock,
  type ConfigProblem,
  type ConnectorPlugin,
  type ParsedConfig,
} from 'penstock/api'
import { configDef } from './config/config-def.ts'
import { settingsOf, type SourceSettings } from './config/source-settings.ts'
import { noMasking, noCustomSelect } from './config/unsupported-options.ts'
import { PgConnection } from './connection/pg-connection.ts'
import { withoutTls } from './connection/pg-error.ts'
import { WaitMonitor } from './connection/wait-monitor.ts'
import { PostgresSourceConnector } from './connector.ts'
import { diagnosePostgres } from './diagnosis/diagnose.ts'
import { checkOffsetChanges } from './offsets/offset-changes.ts'
import { runPreflight } from './preflight/run-preflight.ts'
import { PostgresSourceTask } from './task.ts'
import { version } from './version.ts'

/** The Postgres source, by Debezium's class name. */
export const plugin: ConnectorPlugin = {
  kind: 'source',
  className: 'io.debezium.connector.postgresql.PostgresConnector',
  aliases: [],
  version,
  configDef,
  // One partition keeps all changes of a table in order.
  newTopics: { partitions: 1, replicationFactor: -1, configs: { 'cleanup.policy': 'delete' } },
  unsupportedKey(key) {
    if (masking.test(key)) return noMasking
    if (key.startsWith('driver.')) return 'the connector does not use pgjdbc'
    return selectOverride.test(key) ? noCustomSelect : null
  },
  async check(config, raw, signal) {
    const problems = crossFieldProblems(config)
    if (problems.length > 0) return problems
    try {
      return await serverProblems(settingsOf(config, raw), signal)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return [{ key: error.message.slice(0, error.message.indexOf(':')), message: error.message }]
    }
  },
  alterSourceOffsets: (config, changes) => checkOffsetChanges((config['topic.prefix'] ?? '').trim(), changes),
  diagnose: diagnosePostgres,
  createConnector: () => new PostgresSourceConnector(),
  createTask: () => new PostgresSourceTask(),
}

/** The client waits for the response. */
const checkTimeoutMs = 10_000

const exclusive = ['schema', 'table', 'column', 'message.prefix']
const masking = /^column\.(?:truncate\.to\.\d+\.chars|mask\.with\.\d+\.chars|mask\.hash\..*)$/
const selectOverride = /^snapshot\.select\.statement\.overrides\./

function crossFieldProblems(config: ParsedConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  for (const what of exclusive) {
    const include = `${what}.include.list`
    const exclude = `${what}.exclude.list`
    if (config[include] && config[exclude]) {
      problems.push({ key: exclude, message: `"${include}" is already specified` })
    }
  }
  if (Number(config['max.queue.size']) <= Number(config['max.batch.size'])) {
    problems.push({ key: 'max.queue.size', message: 'Must be larger than the maximum batch size' })
  }
  return problems
}

/** Connects and runs the preflight, as the task will. Changes nothing on the server. */
async function serverProblems(settings: SourceSettings, signal: AbortSignal): Promise<readonly ConfigProblem[]> {
  let sql: PgConnection | null = null
  // Validation has no status for conditions: the error names the holder of a lock.
  const { connection, lockTimeoutMs } = settings
  const waits = new WaitMonitor({ connection, lockTimeoutMs, clock: systemClock, setCondition: () => undefined })
  const onAbort = (): void => void sql?.close()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const connectTimeoutMs = Math.min(settings.connection.connectTimeoutMs, checkTimeoutMs)
    sql = await PgConnection.connect({ ...settings.connection, connectTimeoutMs }, 'sql', systemClock, waits.observe)
    sql.purpose = 'validation'
    const { problems } = await runPreflight(sql, settings)
    const refusal =
      settings.snapshotMode === 'initial_only' ? null : await replicationRefusal(settings, connectTimeoutMs)
    return [
      ...problems
        .filter(({ stops }) => stops !== 'nothing')
        .map(({ code, key, message }) => ({ key, message: `${code}: ${message}` })),
      ...(refusal === null ? [] : [{ key: keyOf(refusal), message: refusal.message }]),
    ]
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    return [{ key: keyOf(error), message: error.message }]
  } finally {
    signal.removeEventListener('abort', onAbort)
    await waits.close()
    await sql?.close()
  }
}

/** A pooler or pg_hba.conf may allow queries and refuse only replication. The preflight finds the other causes by query. */
async function replicationRefusal(settings: SourceSettings, connectTimeoutMs: number): Promise<ConnectError | null> {
  try {
    const connection = await PgConnection.connect(
      { ...settings.connection, connectTimeoutMs },
      'replication',
      systemClock,
    )
    await connection.close()
    return null
  } catch (error) {
    const isConnectionRefused =
      error instanceof ConnectError && (error.code === 'PG_POOLER' || error.code === 'PG_AUTHENTICATION')
    return isConnectionRefused ? error : null
  }
}

function keyOf(error: ConnectError): string {
  if (error instanceof ConfigError && error.key !== null) return error.key
  if (error.code === 'PG_TLS') return error.message.includes(withoutTls) ? 'database.sslmode' : 'database.sslrootcert'
  if (error.code === 'PG_AUTHENTICATION') return 'database.password'
  return error.code === 'PG_DATABASE' ? 'database.dbname' : 'database.hostname'
}
