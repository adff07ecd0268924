/** One thing that a trace says: a condition, a call that is retried, or the error that has ended a task. */
export interface TraceEntry {
  /** The stable code of the error or condition, such as `PG_SLOT_ACTIVE`; null when it has none. */
  readonly code: string | null
  /** The message without its code and without the stack. */
  readonly text: string
  /** The call that is retried; null when none is. */
  readonly retried: string | null
  /** The class of the error; null for a condition. */
  readonly error: string | null
  /** The messages of the errors that caused it, outermost first. */
  readonly causes: readonly string[]
}

const retriedCall = /^(start|poll|put|preCommit|topic creation|conversion) failed and is retried: /
const errorClass = /^((?:[\w$]+\.)*[A-Z][\w$]*(?:Error|Exception))(?:: |$)/
const codeAhead = /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|REPLAY): /
const causedBy = /^Caused by: /

interface OpenEntry {
  code: string | null
  text: string
  readonly retried: string | null
  readonly error: string | null
  readonly causes: string[]
}

/** Parses the trace of a status: each condition is a line, each error a message, its stack, and its causes. */
export function traceEntries(trace: string | null): readonly TraceEntry[] {
  const entries: OpenEntry[] = []
  let continuesCause = false
  for (const line of trace?.split('\n') ?? []) {
    if (/^\s+at /.test(line) || line.trim() === '') continue
    const last = entries.at(-1)
    const head = headOf(line)
    if (last !== undefined && causedBy.test(line)) {
      continuesCause = true
      last.causes.push(line.replace(causedBy, ''))
      last.code ??= headOf(line.replace(causedBy, ''))?.code ?? null
    } else if (head !== null || last === undefined) {
      continuesCause = false
      entries.push({ code: null, text: line, retried: null, error: null, ...head, causes: [] })
    } else if (continuesCause) last.causes[last.causes.length - 1] += `\n${line}`
    else last.text += `\n${line}`
  }
  return entries
}

/** Null: the line continues the message before it. */
function headOf(line: string): Omit<OpenEntry, 'causes'> | null {
  const retried = retriedCall.exec(line)
  const rest = retried === null ? line : line.slice(retried[0].length)
  const error = errorClass.exec(rest)
  const message = error === null ? rest : rest.slice(error[0].length)
  const code = codeAhead.exec(message)
  if (retried === null && error === null && code === null) return null
  return {
    code: code?.[1] ?? null,
    text: code === null ? message : message.slice(code[0].length),
    retried: retried?.[1] ?? null,
    error: error?.[1] ?? null,
  }
}
