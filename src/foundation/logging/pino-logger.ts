import pino, { type DestinationStream, type Logger as Pino } from 'pino'

import type { LogLevel, LogLevels } from './log-levels.ts'
import type { LogSink } from './named-logger.ts'
import { quoted } from './quoted.ts'

/** Writes one JSON line per event, before the call returns, so that a crash loses none. */
export class PinoSink implements LogSink {
  readonly #pino: Pino
  readonly #levels: LogLevels

  /** @param destination standard error by default. */
  constructor(levels: LogLevels, destination: DestinationStream = pino.destination({ fd: 2, sync: true })) {
    this.#levels = levels
    this.#pino = pino(
      {
        level: 'trace',
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: errorText },
      },
      destination,
    )
  }

  write(level: LogLevel, name: string, message: string, fields: Record<string, unknown> | undefined): void {
    if (this.#levels.allows(name, level)) this.#pino[level]({ logger: name, ...fields }, message)
  }
}

/** Returns the stack of an error; an error from another thread is text already. */
export function errorText(error: unknown): unknown {
  return error instanceof Error ? (error.stack ?? error.message) : error
}

interface Line {
  readonly time: string
  readonly level: string
  readonly logger: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** Formats lines for a terminal: `14:03:07 WARN  connect.runtime.SinkTask  message  field=value`, followed by the stack. */
export function readableLines(write: (text: string) => void): DestinationStream {
  return {
    write(json) {
      const { time, level, logger, msg, error, ...fields } = JSON.parse(json) as Line
      const rest = Object.entries(fields).map(([key, value]) => `  ${key}=${fieldText(value)}`)
      const stack = error === undefined ? '' : `\n${textOf(error)}`
      write(`${time.slice(11, 19)} ${level.toUpperCase().padEnd(5)} ${logger}  ${msg}${rest.join('')}${stack}\n`)
    },
  }
}

/** Clients choose some values: one that could be taken for another field or line is quoted. */
function fieldText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return /^[^\p{C}\p{Z}"=]*$/u.test(value) ? value : quoted(value)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
