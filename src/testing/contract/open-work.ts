import { AsyncLocalStorage, createHook } from 'node:async_hooks'

/** Node's names of what keeps a process alive, or an open file. */
const kinds: Readonly<Record<string, string>> = {
  Timeout: 'a timer',
  TCPWRAP: 'a socket',
  TCPSERVERWRAP: 'a server',
  PIPEWRAP: 'a pipe',
  PIPESERVERWRAP: 'a server',
  UDPWRAP: 'a UDP socket',
  PROCESSWRAP: 'a child process',
  FSEVENTWRAP: 'a file watcher',
  STATWATCHER: 'a file watcher',
  FILEHANDLE: 'a file',
  WORKER: 'a worker thread',
}

interface Opened {
  readonly what: string
  readonly place: string
  readonly resource: object
}

const owner = new AsyncLocalStorage<OpenWork>()
/** Where the modules of this package are, in a checkout and as it is published. Connectors of a checkout are beside them. */
const own = ['src/', 'chunks/'].map((name) => new URL(`../../../${name}`, import.meta.url).href)
/** Node has many frames between a call and what it opens. */
const stackFrames = 50

/** Knows what the code that it runs has opened and not closed: timers, sockets, files, processes. Other code does not count. */
export class OpenWork {
  readonly #opened = new Map<number, Opened>()
  /** The last place where the code called the file system: a file is created later, without the context of its caller. */
  #fileRequest: string | null = null
  readonly #hook = createHook({
    // The resource has no properties yet.
    init: (id, type, _trigger, resource) => {
      const isOwn = owner.getStore() === this
      if (isOwn && type === 'FSREQPROMISE') this.#fileRequest = placeNow()
      const what = kinds[type]
      if (what === undefined) return
      const place = isOwn ? placeNow() : type === 'FILEHANDLE' ? this.#fileRequest : null
      if (place !== null) this.#opened.set(id, { what, place, resource })
    },
    destroy: (id) => void this.#opened.delete(id),
  })

  constructor() {
    this.#hook.enable()
  }

  /** Runs code whose timers, sockets and files count, with all that it starts. */
  run<T>(action: () => T): T {
    return owner.run(this, action)
  }

  /** Returns what is open: `a timer, opened at …/task.js:12:5`. Sockets and timers that let a process end do not count. */
  list(): readonly string[] {
    return [...this.#opened.values()]
      .filter(({ resource }) => isActive(resource))
      .map(({ what, place }) => `${what}, opened ${place}`)
  }

  end(): void {
    this.#hook.disable()
    this.#opened.clear()
  }
}

function isActive(resource: object): boolean {
  const fd: unknown = Reflect.get(resource, 'fd')
  if ('hasRef' in resource && typeof resource.hasRef === 'function') return resource.hasRef() === true
  return typeof fd === 'number' && fd >= 0
}

/** Returns the first place in the stack outside of Node and of this package. */
function placeNow(): string {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = stackFrames
  const { stack = '' } = new Error('place')
  Error.stackTraceLimit = before
  const frames = stack.split('\n').slice(1)
  const frame = frames.find(
    (line) => /file:|\//.test(line) && !/\bnode:/.test(line) && !own.some((each) => line.includes(each)),
  )
  return frame === undefined ? 'at a place that Node does not tell' : `at ${frame.replace(/^\s*at\s+/, '')}`
}
