import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import type { Verb } from '../../command/command.ts'
import type { Session } from '../../command/session.ts'
import { causeOf } from '../../output/states.ts'
import { counted } from '../../output/text.ts'
import { Waiting } from '../../output/waiting.ts'
import type { ConnectApi } from '../../rest-client/connect-api.ts'
import type { ConnectorStatus } from '../../rest-client/entities.ts'

/** How long a state may take to be reached, unless the command line says otherwise. Seconds. */
const defaultWait = 60
const pollMs = 200

const waitOption = {
  flags: '--wait SECONDS',
  summary: `how long to wait until it is done (default ${defaultWait}); 0 returns at once`,
}

const exitNote = 'Waits until all tasks are in the new state; exits with 1 if one fails, or the time is over.'

export const pauseConnectors: Verb = {
  usage: 'pause CONNECTOR...',
  summary: 'Pause connectors: their tasks stay assigned and do nothing',
  detail: exitNote,
  options: [waitOption],
  examples: [['connectors pause orders', 'pause it']],
  isRemote: true,
  run: async (session, given) =>
    await changed(session, given.words, {
      wait: given.count('wait', defaultWait, 0),
      change: async (api, name) => await api.setTarget(name, 'pause'),
      isDone: ({ connector, tasks }) =>
        [connector, ...tasks].every(({ state }) => state === 'PAUSED' || state === 'FAILED'),
    }),
}

export const resumeConnectors: Verb = {
  usage: 'resume CONNECTOR...',
  summary: 'Resume paused or stopped connectors',
  detail: exitNote,
  options: [waitOption],
  examples: [['connectors resume orders', 'let it run again']],
  isRemote: true,
  run: async (session, given) =>
    await changed(session, given.words, {
      wait: given.count('wait', defaultWait, 0),
      change: async (api, name) => await api.setTarget(name, 'resume'),
      isDone: isSettled,
    }),
}

export const stopConnectors: Verb = {
  usage: 'stop CONNECTOR...',
  summary: 'Stop connectors: their tasks end, and their offsets can be changed',
  detail: exitNote,
  options: [waitOption],
  examples: [['connectors stop orders', 'stop it, as penstock offsets set needs it']],
  isRemote: true,
  run: async (session, given) =>
    await changed(session, given.words, {
      wait: given.count('wait', defaultWait, 0),
      change: async (api, name) => await api.setTarget(name, 'stop'),
      isDone: ({ connector, tasks }) => connector.state === 'STOPPED' && tasks.length === 0,
    }),
}

export const restartConnectors: Verb = {
  usage: 'restart CONNECTOR...',
  summary: 'Restart connectors with their tasks',
  detail: exitNote,
  options: [
    { flags: '--only-failed', summary: 'only what has failed' },
    { flags: '--connector-only', summary: 'the connector without its tasks' },
    waitOption,
  ],
  examples: [
    ['connectors restart orders', 'restart the connector and its tasks'],
    ['connectors restart orders --only-failed', 'restart only what has failed'],
  ],
  isRemote: true,
  run: async (session, given) =>
    await changed(session, given.words, {
      wait: given.count('wait', defaultWait, 0),
      change: async (api, name) => {
        const flags = { includeTasks: !given.flag('connector-only'), onlyFailed: given.flag('only-failed') }
        await api.restart(name, flags)
      },
      isDone: isSettled,
    }),
}

/** Whether nothing of it starts any more. Without tasks it has not begun to. */
const isSettled = ({ connector, tasks }: ConnectorStatus): boolean =>
  [connector, ...tasks].every(({ state }) => state === 'RUNNING' || state === 'FAILED') &&
  (tasks.length > 0 || connector.state === 'FAILED')

interface Change {
  readonly wait: number
  readonly change: (api: ConnectApi, name: string) => Promise<void>
  readonly isDone: (status: ConnectorStatus) => boolean
}

async function changed(session: Session, names: readonly string[], { wait, change, isDone }: Change): Promise<number> {
  const { out } = session
  const api = await session.api()
  const results = []
  for (const name of names) {
    await change(api, name)
    const status = wait === 0 ? null : await reached(session, api, { name, wait, isDone })
    if (!out.json)
      out.lines(wait === 0 ? [`${out.paint('green', '✔')} ${name}: requested`] : resultLines(session, name, status))
    results.push({ name, status: status?.status ?? null, done: status?.isDone ?? null })
  }
  if (out.json) out.result(results, () => [])
  const isBad = results.some(({ status, done }) => done === false || (status !== null && failures(status).length > 0))
  return isBad ? exitCodes.found : exitCodes.done
}

interface Reached {
  readonly status: ConnectorStatus | null
  readonly isDone: boolean
}

/** The status of a connector as soon as it is as it should be; or as it is when the time is over. */
async function reached(
  { clock, out }: Session,
  api: ConnectApi,
  { name, wait, isDone }: { readonly name: string } & Pick<Change, 'wait' | 'isDone'>,
): Promise<Reached> {
  const end = clock.monotonic() + wait * 1000
  const waiting = new Waiting(out.terminal, clock)
  try {
    for (;;) {
      const status = await api.status(name)
      if (status !== null && isDone(status)) return { status, isDone: true }
      if (clock.monotonic() >= end) return { status, isDone: false }
      waiting.say(`${name} is ${status?.connector.state ?? 'not started'}`)
      await clock.sleep(pollMs)
    }
  } finally {
    waiting.end()
  }
}

const failures = ({ connector, tasks }: ConnectorStatus): readonly string[] => [
  ...(connector.state === 'FAILED' ? [`connector failed: ${causeOf(connector.trace)}`] : []),
  ...tasks.filter(({ state }) => state === 'FAILED').map(({ id, trace }) => `task ${id} failed: ${causeOf(trace)}`),
]

function resultLines({ out }: Session, name: string, reachedStatus: Reached | null): readonly string[] {
  const { status = null, isDone = false } = reachedStatus ?? {}
  if (status === null) return [`${out.paint('red', '✖')} ${name}: no worker has started it yet`]
  const failed = failures(status)
  const good = isDone && failed.length === 0
  const state = status.connector.state
  const tasks = counted(status.tasks.length, 'task')
  const text = isDone
    ? `${name} is ${state}, ${tasks}`
    : `${name} is still ${state}, ${tasks}: penstock connectors get ${name}`
  return [`${good ? out.paint('green', '✔') : out.paint('red', '✖')} ${text}`, ...failed.map((each) => `    ${each}`)]
}
