import { errorMessage } from '../foundation/error-message.ts'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import type { RawConfig } from '../api/config-def.ts'
import { ConfigError } from '../api/errors.ts'
import { parseProperties } from '../api/java/java-properties.ts'
import { loadWorkerConfig, type WorkerConfig } from '../config/worker/worker-config.ts'
import { Redaction } from '../config/providers/redaction.ts'
import { systemClock } from '../foundation/clock.ts'
import { tuneEngine } from '../foundation/process/engine-settings.ts'
import { logLevels, LogLevels, type LogLevel } from '../foundation/logging/log-levels.ts'
import { NamedLogger } from '../foundation/logging/named-logger.ts'
import { PinoSink, readableLines } from '../foundation/logging/pino-logger.ts'
import { argumentFault } from '../config/definition/argument-fault.ts'
import { exitCodes } from '../foundation/process/exit-codes.ts'
import { RedactedSink } from '../config/providers/redacted-sink.ts'
import { startWorker, type RunningWorker } from './worker/start-worker.ts'
import { stopSignal } from './stop-signal.ts'

export const usage = `penstock worker [FILE.properties] [--set KEY=VALUE …]

Runs connectors, managed over Kafka Connect's REST API. FILE is a Connect distributed worker's properties file. Without
bootstrap.servers, the worker starts an embedded broker: its data is in ./penstock-data, its port is 9092.

  --set KEY=VALUE     a setting, which overrides that of the file; may be repeated
  --log-level LEVEL   ${logLevels.join(', ')} (default info)
`

/** How long a graceful shutdown may take in total before the process exits anyway. Milliseconds. */
const stopLimitMs = 60_000
/** The same for a worker that has not started yet, which has nothing to lose. */
const abandonLimitMs = 5000

interface WorkerCommand {
  readonly settings: RawConfig
  readonly fromFile: boolean
  readonly logLevel: LogLevel
}

/** Runs a worker until a signal stops it, and returns the exit code. A second signal ends the process immediately. */
export async function runWorkerCommand(args: readonly string[]): Promise<number> {
  const command = parseWorkerArguments(args)
  if (command === null) {
    process.stdout.write(usage)
    return exitCodes.done
  }
  tuneEngine()
  const destination = process.stderr.isTTY ? readableLines((text) => process.stderr.write(text)) : undefined
  const levels = LogLevels.startingAt(command.logLevel)
  const redaction = new Redaction()
  const logSink = new RedactedSink(new PinoSink(levels, destination), levels, redaction)
  const logger = new NamedLogger('connect', logSink)
  const signalled = stopSignal(() => logger.warn('ignoring SIGHUP: not attached to a terminal'))
  const config = await loadWorkerConfig(command.settings, { file: command.fromFile })
  redaction.add(config.providers.secrets)
  for (const warning of config.warnings) logger.warn(warning)
  const env = { logSink, logger, logLevels: levels, clock: systemClock }
  const worker = await startedUnless(signalled, (signal) => startWorker(config, env, signal)).catch(
    (error: unknown) => {
      throw redaction.error(error)
    },
  )
  if (worker === null) process.exit(exitCodes.done)
  process.stdout.write(`${redaction.text(readyLine(worker, config))}\n`)
  const end = await Promise.race([signalled, worker.brokerDied])
  if (end instanceof Error) {
    logger.error(`the embedded broker died, and the worker cannot run without it: ${end.message}`, { error: end })
    process.exit(exitCodes.brokerDied)
  }
  systemClock.after(stopLimitMs, () => {
    process.stderr.write(`penstock: the worker did not stop within ${stopLimitMs / 1000} s; the process exits\n`)
    process.exit(exitCodes.failed)
  })
  logger.info('stopping the worker: received a signal')
  await worker.stop()
  process.exit(exitCodes.done)
}

/** Parses the arguments after `worker`; null when they ask for help. @throws ConfigError */
export function parseWorkerArguments(args: readonly string[]): WorkerCommand | null {
  const { values, positionals } = parsed(args)
  if (values.help === true) return null
  const [file, ...others] = positionals
  if (others.length > 0)
    throw new ConfigError(`penstock worker takes one properties file, not also ${others.join(' ')}`)
  const logLevel = logLevels.find((level) => level === (values['log-level'] ?? 'info'))
  if (logLevel === undefined) throw new ConfigError(`--log-level is one of ${logLevels.join(', ')}`)
  const fromFile = file === undefined ? {} : parseProperties(read(file))
  const set = Object.fromEntries((values.set ?? []).map(parseSetting))
  return { settings: { ...fromFile, ...set }, fromFile: file !== undefined, logLevel }
}

const options = {
  set: { type: 'string', multiple: true },
  'log-level': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

function parsed(args: readonly string[]) {
  const config = { args: [...args], allowPositionals: true, options }
  const hint = 'Set worker settings with --set KEY=VALUE, such as --set listeners=http://127.0.0.1:8083.'
  const fault = argumentFault('worker', config, hint)
  if (fault !== null) throw new ConfigError(fault)
  return parseArgs(config)
}

function parseSetting(text: string): [string, string] {
  const end = text.indexOf('=')
  if (end <= 0) throw new ConfigError(`--set takes KEY=VALUE, not "${text}"`)
  return [text.slice(0, end).trim(), text.slice(end + 1)]
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(`The properties file ${file} cannot be read: ${errorMessage(cause)}`, { cause })
  }
}

function readyLine(worker: RunningWorker, config: WorkerConfig): string {
  const log =
    worker.brokerAddress === null
      ? `log ${config.bootstrapServers}`
      : `log ${worker.brokerAddress} (embedded, ${config.embedded?.dataDir ?? ''})`
  return `ready: REST ${worker.restUrl}, dashboard ${worker.restUrl}/ui, ${log}`
}

/** Returns the worker once it has started; null when a signal stopped it before. */
async function startedUnless(
  signalled: Promise<void>,
  start: (signal: AbortSignal) => Promise<RunningWorker>,
): Promise<RunningWorker | null> {
  const abandoned = new AbortController()
  const starting = start(abandoned.signal)
  const worker = await Promise.race([starting, signalled.then(() => null)])
  if (worker !== null) return worker
  abandoned.abort()
  const late = starting.then(
    async (up) => await up.stop(),
    () => undefined, // abandoned, as requested
  )
  await Promise.race([late, systemClock.sleep(abandonLimitMs)])
  return null
}
