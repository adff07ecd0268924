import { type ListenAddress, isLoopback } from '../foundation/network/listen-address.ts'
import { errorMessage } from '../foundation/error-message.ts'
import { parseArgs } from 'node:util'
import { BrokerHost } from '../broker/broker-host.ts'
import { brokerSettings } from '../broker/settings/broker-setting-definitions.ts'
import { isBrokerSetting, settledBroker, type SettledBroker } from '../broker/settings/broker-settings.ts'
import { systemClock } from '../foundation/clock.ts'
import { LogLevels } from '../foundation/logging/log-levels.ts'
import { NamedLogger } from '../foundation/logging/named-logger.ts'
import { PinoSink, readableLines } from '../foundation/logging/pino-logger.ts'
import { nearestKey } from '../config/definition/nearest-key.ts'
import { argumentFault } from '../config/definition/argument-fault.ts'
import { exitCodes } from '../foundation/process/exit-codes.ts'
import { tokenOf } from './token-file.ts'
import type { BrokerRegistry, startBrokerRegistry } from './registry/broker-registry.ts'
import { stopSignal } from './stop-signal.ts'

/** The command line is invalid. */
export class BrokerCommandError extends Error {
  override readonly name = 'BrokerCommandError'
}

/** The options of `penstock broker`. */
export interface BrokerCommandOptions {
  readonly listen: ListenAddress
  readonly advertisedHost: string | null
  readonly dataDir: string
  readonly allowUnauthenticated: boolean
  readonly settings: SettledBroker
  /** Where the schema registry listens; null: there is none. */
  readonly registry: ListenAddress | null
  /** The credentials that clients need: the user, and the file of its password. Null: none. */
  readonly access: { readonly username: string; readonly tokenFile: string } | null
}

export const usage = `penstock broker --listen HOST:PORT --data DIR

  --listen HOST:PORT            the address to listen on (default 127.0.0.1:9092)
  --advertise HOST              the host that clients connect to (default: that of --listen)
  --data DIR                    the data directory (default ./penstock-data)
  --set NAME=VALUE              a broker setting by Kafka's name, such as log.retention.hours=24; may be given several
                                times. docs/reference/worker.md lists them all, below embedded.broker.
  --registry HOST:PORT          the address on which a schema registry listens, such as 127.0.0.1:8081; its URL is
                                http://HOST:PORT/schema-registry, its password that of --token-file (default: none)
  --token-file FILE             file with the password of clients (SASL/PLAIN); a missing file is created with a random one
  --user NAME                   the user name of clients (default penstock)
  --allow-unauthenticated       listen beyond this machine; anyone who reaches the port may read and write everything
`

/** Parses the arguments after `broker`; null when they ask for help. @throws BrokerCommandError */
export function parseBrokerArguments(args: readonly string[]): BrokerCommandOptions | null {
  const values = parsed(args)
  if (values.help === true) return null
  const listen = parseAddress(values.listen ?? '127.0.0.1:9092', '--listen')
  const allowUnauthenticated = values['allow-unauthenticated'] === true
  const access = accessOf(values)
  const registry = values.registry === undefined ? null : parseAddress(values.registry, '--registry')
  const open = [listen, registry].find((address) => address !== null && !isLoopback(address.host)) ?? null
  if (open !== null && access === null && !allowUnauthenticated) {
    throw new BrokerCommandError(
      `${open.host} can be reached from other machines, and clients would not have to authenticate. ` +
        'Listen on 127.0.0.1, add --token-file FILE, or add --allow-unauthenticated where the network is trusted.',
    )
  }
  return {
    listen,
    advertisedHost: values.advertise ?? null,
    dataDir: values.data ?? './penstock-data',
    allowUnauthenticated,
    settings: settingsOf(values.set ?? []),
    registry,
    access,
  }
}

function accessOf({ 'token-file': tokenFile, user }: ReturnType<typeof parsed>): BrokerCommandOptions['access'] {
  if (tokenFile !== undefined && tokenFile.trim() !== '') return { username: user ?? 'penstock', tokenFile }
  if (tokenFile === undefined && user === undefined) return null
  throw new BrokerCommandError(
    tokenFile === undefined ? '--user needs --token-file FILE' : '--token-file names no file',
  )
}

function settingsOf(pairs: readonly string[]): SettledBroker {
  const values: Record<string, string> = {}
  for (const pair of pairs) {
    const end = pair.indexOf('=')
    const name = (end < 0 ? pair : pair.slice(0, end)).trim()
    if (!isBrokerSetting(name)) throw new BrokerCommandError(`--set ${name} is not a setting; ${hintFor(name)}`)
    if (end < 0) throw new BrokerCommandError(`--set ${name} has no value: NAME=VALUE is expected`)
    values[name] = pair.slice(end + 1)
  }
  try {
    return settledBroker(values)
  } catch (error) {
    throw new BrokerCommandError(`--set ${errorMessage(error)}`, { cause: error })
  }
}

function hintFor(name: string): string {
  const names = Object.keys(brokerSettings)
  const nearest = nearestKey(name, names)
  return nearest === null ? `these are: ${names.join(', ')}` : `did you mean ${nearest}?`
}

const options = {
  listen: { type: 'string' },
  advertise: { type: 'string' },
  data: { type: 'string' },
  registry: { type: 'string' },
  set: { type: 'string', multiple: true },
  'token-file': { type: 'string' },
  user: { type: 'string' },
  'allow-unauthenticated': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

function parsed(args: readonly string[]) {
  const config = { args: [...args], options }
  const fault = argumentFault('broker', config)
  if (fault !== null) throw new BrokerCommandError(fault)
  return parseArgs(config).values
}

function parseAddress(text: string, option: string): ListenAddress {
  const match = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:]*)):(?<port>\d{1,5})$/.exec(text)
  const port = Number(match?.groups?.['port'])
  const host = match?.groups?.['six'] ?? match?.groups?.['host']
  if (host === undefined || host === '' || port > 65_535) {
    throw new BrokerCommandError(`${option} ${text} is not HOST:PORT, such as 127.0.0.1:9092 or [::1]:9092`)
  }
  return { host, port }
}

/**
 * Runs the broker alone until a signal stops it, and returns the exit code. A second signal ends the process immediately.
 * @param write prints to the user
 */
export async function runBrokerCommand(
  args: readonly string[],
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const options = parseBrokerArguments(args)
  if (options === null) {
    write(usage)
    return 0
  }
  const destination = process.stderr.isTTY ? readableLines((text) => process.stderr.write(text)) : undefined
  const logger = new NamedLogger('broker', new PinoSink(LogLevels.startingAt('info'), destination))
  const stopped = stopSignal(() => logger.warn('ignoring SIGHUP: not attached to a terminal'))
  const { access } = options
  const credentials =
    access === null ? null : { username: access.username, password: tokenOf(access.tokenFile, '--token-file') }
  // In a thread, as in a worker, so that its heap is bounded.
  const broker = await BrokerHost.start({
    ...(credentials === null ? {} : { credentials }),
    ownSocket: options.registry !== null,
    dataDir: options.dataDir,
    listen: options.listen,
    ...options.settings,
    ...(options.advertisedHost === null ? {} : { advertisedHost: options.advertisedHost }),
    clock: systemClock,
    logger,
  })
  const { host, port } = broker.address
  write(`log on ${host}:${port}, data in ${options.dataDir} — kcat -b ${host}:${port} -L\n`)
  const registry = await startedRegistry(options, { broker, credentials, logger }).catch(async (error: unknown) => {
    await broker.close()
    throw error
  })
  if (registry !== null) write(`schema registry on ${registry.url}\n`)
  const death = await Promise.race([stopped.then(() => null), broker.ended])
  if (death !== null) logger.error(`the broker died: ${death.message}`, { error: death })
  // Its listener would keep the process running.
  await registry?.close()
  if (death !== null) return exitCodes.brokerDied
  await broker.close()
  return 0
}

/** Null when none is asked for. Its code is loaded only where it is. */
async function startedRegistry(
  { registry }: BrokerCommandOptions,
  parts: Pick<Parameters<typeof startBrokerRegistry>[0], 'broker' | 'credentials' | 'logger'>,
): Promise<BrokerRegistry | null> {
  if (registry === null) return null
  const { startBrokerRegistry } = await import('./registry/broker-registry.ts')
  return await startBrokerRegistry({ listen: registry, clock: systemClock, ...parts })
}
