import { exitCodes } from '../../foundation/process/exit-codes.ts'
import type { Verb } from '../command/command.ts'
import { CommandError } from '../command/command-error.ts'
import type { Session } from '../command/session.ts'
import {
  clockCheck,
  diskCheck,
  existingDirectory,
  freeSpace,
  isListening,
  nodeCheck,
  portCheck,
  serverCheck,
  serversOf,
  syncCheck,
  syncTimes,
  type Check,
} from '../doctor/checks.ts'
import type { Output } from '../output/output.ts'
import type { Style } from '../output/terminal.ts'
import { counted } from '../output/text.ts'
import { ConnectApi } from '../rest-client/connect-api.ts'
import { version } from '../version.ts'
import { isPenstock } from './watch/status.ts'

const connectMs = 2000
const defaultPorts = [
  [8083, 'the REST API'],
  [9092, 'the embedded broker'],
] as const

export const doctor: Verb = {
  usage: 'doctor',
  summary: 'Check this machine, the worker, and the servers that its connectors need',
  detail:
    'Checks the version of Node.js, space and speed of the disk, ports, the worker and its clock, and whether the servers that ' +
    'connectors name can be reached from here. Changes nothing. Exits with 1 if anything is bad.',
  options: [{ flags: '--data DIR', summary: 'the data directory of the broker (default ./penstock-data)' }],
  examples: [
    ['doctor', 'before the first start, or when something is strange'],
    ['doctor --data /var/lib/penstock', 'with the disk of a data directory'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out, clock } = session
    const directory = existingDirectory(given.text('data') ?? './penstock-data')
    const checks: Check[] = [
      nodeCheck(process.version),
      { name: 'Penstock', state: 'good', text: version(), fix: '' },
      diskCheck(directory, freeSpace(directory)),
      diskSpeed(directory, session),
      ...(await serverChecks(session)),
    ]
    const bad = checks.filter(({ state }) => state !== 'good').length
    out.result({ checks, at: new Date(clock.now()).toISOString() }, () => [
      ...checks.flatMap((check) => checkLines(out, check)),
      '',
      bad === 0
        ? 'All is well.'
        : `${counted(bad, 'check')} of ${checks.length} ${bad === 1 ? 'needs' : 'need'} a look.`,
    ])
    return checks.some(({ state }) => state === 'bad') ? exitCodes.found : exitCodes.done
  },
}

function diskSpeed(directory: string, { clock }: Session): Check {
  try {
    return syncCheck(syncTimes(directory, clock))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return {
      name: 'disk speed',
      state: 'bad',
      text: `cannot write to ${directory} (${code ?? ''})`,
      fix: 'Name a directory that this user may write to: --data DIR',
    }
  }
}

/** The worker, its clock, the ports of this machine, and the servers of its connectors. */
async function serverChecks(session: Session): Promise<readonly Check[]> {
  const { clock } = session
  const api = new ConnectApi(await session.rest())
  try {
    const info = await api.server()
    const server = isPenstock(info) ? 'Penstock' : `Kafka Connect ${info.version}`
    const date = await api.rest.date()
    const health = await healthOf(api)
    const connectors = await api.connectors()
    const needed = connectors.flatMap(({ name, info: each }) => (each === null ? [] : serversOf(name, each.config)))
    const reached = needed.map(async (each) => serverCheck(each, await isListening(each.host, each.port, connectMs)))
    return [
      { name: 'worker', state: 'good', text: `${server} responds at ${api.rest.url}`, fix: '' },
      ...health,
      ...(date === null ? [] : [clockCheck(clock.now(), date)]),
      ...(await portChecks(true)),
      ...(await Promise.all(reached)),
    ]
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    const isAway = error.exitCode === exitCodes.unreachable
    const fix = isAway ? 'Start one: penstock worker' : ''
    return [
      { name: 'worker', state: isAway ? 'warning' : 'bad', text: error.message, fix },
      ...(await portChecks(false)),
    ]
  }
}

async function healthOf(api: ConnectApi): Promise<readonly Check[]> {
  try {
    const { status, message } = await api.health()
    const state = status === 'healthy' ? 'good' : 'bad'
    return [{ name: 'health', state, text: message, fix: state === 'good' ? '' : 'See its logs.' }]
  } catch (error) {
    // Before 3.9, Kafka Connect has no such operation.
    if (error instanceof CommandError && error.exitCode === exitCodes.unsupported) return []
    throw error
  }
}

/** @param isThere whether the worker responds: then it is what uses the ports */
async function portChecks(isThere: boolean): Promise<readonly Check[]> {
  return await Promise.all(
    defaultPorts.map(async ([port, what]) => {
      const isUsed = (await isListening('127.0.0.1', port, connectMs)) === true
      return portCheck(port, what, { isUsed, isOurs: isThere })
    }),
  )
}

const marks: Readonly<Record<Check['state'], readonly [string, Style]>> = {
  good: ['✔', 'green'],
  warning: ['!', 'yellow'],
  bad: ['✖', 'red'],
}

function checkLines(out: Output, { name, state, text, fix }: Check): readonly string[] {
  const [mark, style] = marks[state]
  const lines = out.pairs(
    [[name.padEnd(20), text], ...(fix === '' ? [] : [['', { text: fix, style: 'cyan' }] as const])],
    2,
  )
  return lines.map((line, at) => (at === 0 ? `${out.paint(style, mark)}${line.slice(1)}` : line))
}
