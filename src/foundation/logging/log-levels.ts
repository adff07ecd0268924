/** The levels of the logger tree, least severe first. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * The levels of the logger tree. A logger has the level of the longest name that is its own or an ancestor's:
 * `connect.runtime` covers `connect.runtime.SinkTask`.
 */
export class LogLevels {
  readonly #root: LogLevel
  readonly #byName = new Map<string, number>()

  constructor(root: LogLevel) {
    this.#root = root
  }

  set(name: string, level: LogLevel): void {
    this.#byName.set(name, logLevels.indexOf(level))
  }

  /** Returns whether the logger of that name writes lines of that level. */
  allows(name: string, level: LogLevel): boolean {
    return logLevels.indexOf(level) >= this.#thresholdOf(name)
  }

  #thresholdOf(name: string): number {
    for (let part = name; part !== ''; part = part.slice(0, Math.max(0, part.lastIndexOf('.')))) {
      const level = this.#byName.get(part)
      if (level !== undefined) return level
    }
    return logLevels.indexOf(this.#root)
  }
}
