import type { Logger } from '../../src/foundation/logging/logger.ts'

/** What a logger was told. */
export interface LoggedLine {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  readonly name: string
  readonly message: string
  readonly fields: Record<string, unknown> | undefined
}

/** A logger that prints nothing and remembers everything. */
export function quietLogger(
  name = 'test',
  lines: LoggedLine[] = [],
): Logger & { readonly lines: readonly LoggedLine[] } {
  const log =
    (level: LoggedLine['level']) =>
    (message: string, fields?: Record<string, unknown>): void => {
      lines.push({ level, name, message, fields })
    }
  return {
    name,
    lines,
    trace: log('trace'),
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (child) => quietLogger(`${name}.${child}`, lines),
  }
}
