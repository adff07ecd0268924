import type { LogLevel } from './log-levels.ts'
import type { Logger } from './logger.ts'

/** The destination of log lines: a file descriptor or another thread. Filters by name and level. */
export interface LogSink {
  write(level: LogLevel, name: string, message: string, fields: Record<string, unknown> | undefined): void
}

/** A logger of the tree, such as `connect.runtime.SinkTask`. */
export class NamedLogger implements Logger {
  readonly name: string
  readonly #sink: LogSink

  constructor(name: string, sink: LogSink) {
    this.name = name
    this.#sink = sink
  }

  trace(message: string, fields?: Record<string, unknown>): void {
    this.#sink.write('trace', this.name, message, fields)
  }

  debug(message: string, fields?: Record<string, unknown>): void {
    this.#sink.write('debug', this.name, message, fields)
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.#sink.write('info', this.name, message, fields)
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.#sink.write('warn', this.name, message, fields)
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.#sink.write('error', this.name, message, fields)
  }

  child(name: string): Logger {
    return new NamedLogger(`${this.name}.${name}`, this.#sink)
  }
}
