import type { Redaction } from './redaction.ts'
import type { LogLevel, LogLevels } from '../../foundation/logging/log-levels.ts'
import { errorText } from '../../foundation/logging/pino-logger.ts'
import type { LogSink } from '../../foundation/logging/named-logger.ts'

/** Redacts the log lines of the main thread, which knows the secrets in the worker's settings (I8). */
export class RedactedSink implements LogSink {
  readonly #sink: LogSink
  readonly #levels: LogLevels
  readonly #redaction: Redaction

  constructor(sink: LogSink, levels: LogLevels, redaction: Redaction) {
    this.#sink = sink
    this.#levels = levels
    this.#redaction = redaction
  }

  write(level: LogLevel, name: string, message: string, fields: Record<string, unknown> | undefined): void {
    if (!this.#levels.allows(name, level)) return
    const texts = Object.entries(fields ?? {}).map(([key, field]) => [key, errorText(field)])
    this.#sink.write(level, name, this.#redaction.text(message), this.#redaction.value(Object.fromEntries(texts)))
  }
}
