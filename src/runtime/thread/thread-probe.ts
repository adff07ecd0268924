import { Session } from 'node:inspector'

import type { Clock } from '../../foundation/clock.ts'

/** What a thread currently runs. */
export interface ThreadActivity {
  /** The owner of the running code, as the thread reports it. */
  readonly owner: number | null
  /** The stack of the running code: functions and positions, no values. */
  readonly stack: string
}

interface WorkerMessage {
  readonly sessionId: string
}
interface Attached extends WorkerMessage {
  readonly workerInfo: { readonly title: string }
}
interface Received extends WorkerMessage {
  readonly message: string
}

const probeKey = 'penstock.thread-probe'

/** Lets other threads query the owner of the code that this thread runs, even if that code never returns. */
export function answerProbes(owner: () => number | null): void {
  Object.defineProperty(globalThis, Symbol.for(probeKey), { value: owner })
}

const expression = `JSON.stringify({ owner: globalThis[Symbol.for('${probeKey}')]?.() ?? null, stack: new Error().stack ?? '' })`

/**
 * Returns what a thread of this process runs, from its inspector, which interrupts running code. The first word of its
 * name, which must be unique, identifies the thread. Null when it does not respond within `ms`: it runs native code.
 */
export async function probeThread(name: string, ms: number, clock: Clock): Promise<ThreadActivity | null> {
  const [word = ''] = name.split(' ')
  const session = new Session()
  const found = Promise.withResolvers<ThreadActivity | null>()
  const cancel = clock.after(ms, () => found.resolve(null))
  session.connect()
  session.on('NodeWorker.attachedToWorker', ({ params }: { params: Attached }) => {
    if (!`${params.workerInfo.title} `.includes(`] ${word} `)) return
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression, returnByValue: true } })
    session.post('NodeWorker.sendMessageToWorker', { sessionId: params.sessionId, message })
  })
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }: { params: Received }) => {
    found.resolve(activityOf(params.message))
  })
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  try {
    return await found.promise
  } finally {
    cancel()
    session.post('NodeWorker.disable')
    session.disconnect()
  }
}

function activityOf(message: string): ThreadActivity | null {
  const response = JSON.parse(message) as { result?: { result?: { value?: unknown } } }
  const value = response.result?.result?.value
  if (typeof value !== 'string') return null
  const { owner, stack } = JSON.parse(value) as ThreadActivity
  // The first lines are those of the expression itself.
  const lines = stack.split('\n').slice(2)
  return { owner, stack: lines.join('\n') }
}
