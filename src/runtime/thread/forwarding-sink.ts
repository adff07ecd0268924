import type { Redaction } from '../../config/providers/redaction.ts'
import type { LogLevel, LogLevels } from '../../foundation/logging/log-levels.ts'
import type { LogSink } from '../../foundation/logging/named-logger.ts'
import { traceOf } from '../failures.ts'

/** A log line for the main thread, which writes it. */
export interface LogMessage {
  readonly type: 'log'
  readonly level: LogLevel
  readonly name: string
  readonly message: string
  /** JSON values; errors as their stack. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Returns the line without resolved secrets (I8). The logger's name stays as it is. */
export function redactedLine(line: LogMessage, redaction: Redaction): LogMessage {
  return { ...line, message: redaction.text(line.message), fields: redaction.value(line.fields) }
}

/** Sends the log lines that `levels` allow to the main thread. */
export class ForwardingSink implements LogSink {
  readonly #send: (message: LogMessage) => void
  readonly #levels: LogLevels

  constructor(levels: LogLevels, send: (message: LogMessage) => void) {
    this.#levels = levels
    this.#send = send
  }

  write(level: LogLevel, name: string, message: string, fields: Record<string, unknown> | undefined): void {
    if (!this.#levels.allows(name, level)) return
    this.#send({ type: 'log', level, name, message, fields: fields === undefined ? {} : plain(fields) })
  }
}

/** Returns the fields as JSON values, which structured clone accepts. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  const text = JSON.stringify(fields, (_, value: unknown) => {
    if (value instanceof Error) return traceOf(value)
    return typeof value === 'bigint' ? value.toString() : value
  })
  return JSON.parse(text) as Record<string, unknown>
}
