import { signal } from '@preact/signals'
import { call, connectorPath } from './api.ts'
import { messageOf, refresh } from './store.ts'

/** What a command reported. */
export interface Notice {
  readonly id: number
  readonly isError: boolean
  readonly text: string
}

export const notices = signal<readonly Notice[]>([])
/** Names of the commands in progress: their buttons rest. */
export const running = signal<ReadonlySet<string>>(new Set())

const shownMs = 6000
let lastId = 0

export function notify(text: string, isError = false): void {
  lastId += 1
  const notice = { id: lastId, isError, text }
  notices.value = [...notices.value.slice(-3), notice]
  // An error stays until it is closed.
  if (!isError) setTimeout(() => dismiss(notice.id), shownMs)
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id)
}

/** Runs a command once at a time, reports how it ended, and reads the activity again. Returns whether it succeeded. */
export async function run(key: string, done: string, command: () => Promise<unknown>): Promise<boolean> {
  if (running.value.has(key)) return false
  running.value = new Set([...running.value, key])
  try {
    await command()
    notify(done)
    return true
  } catch (error) {
    notify(messageOf(error), true)
    return false
  } finally {
    running.value = new Set([...running.value].filter((each) => each !== key))
    refresh()
  }
}

/** A command to a connector, and what its button says. */
export interface ConnectorCommand {
  readonly label: string
  readonly method: string
  readonly path: string
  readonly done: (name: string) => string
}

export const connectorCommands = {
  restart: {
    label: 'Restart failed',
    method: 'POST',
    path: '/restart?includeTasks=true&onlyFailed=true',
    done: (name) => `What failed of ${name} restarts.`,
  },
  restartAll: {
    label: 'Restart',
    method: 'POST',
    path: '/restart?includeTasks=true&onlyFailed=false',
    done: (name) => `${name} restarts with its tasks.`,
  },
  resume: { label: 'Resume', method: 'PUT', path: '/resume', done: (name) => `${name} resumes.` },
  pause: { label: 'Pause', method: 'PUT', path: '/pause', done: (name) => `${name} pauses.` },
  stop: { label: 'Stop', method: 'PUT', path: '/stop', done: (name) => `${name} stops.` },
} satisfies Record<string, ConnectorCommand>
export type CommandName = keyof typeof connectorCommands

export async function command(name: string, which: CommandName): Promise<boolean> {
  const { method, path, done } = connectorCommands[which]
  return await run(`${which} ${name}`, done(name), async () => await call(method, connectorPath(name, path)))
}
