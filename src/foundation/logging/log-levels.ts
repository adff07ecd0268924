/** The levels of log lines, least severe first. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** The levels of loggers, as log4j names them. A logger writes lines of its level and above; FATAL and OFF write none. */
const loggerLevels = ['ALL', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF'] as const
export type LoggerLevel = (typeof loggerLevels)[number]

/** Returns the level of that name, in upper or lower case; null if there is none. */
export function loggerLevelOf(name: string): LoggerLevel | null {
  return loggerLevels.find((level) => level === name.toUpperCase()) ?? null
}

/** Returns the level of a logger that writes lines of this level and above. */
function loggerLevelAt(level: LogLevel): LoggerLevel {
  return level.toUpperCase() as Uppercase<LogLevel>
}

/** A level that was set. */
export interface LoggerSetting {
  readonly level: LoggerLevel
  /** When it was set over the API, in milliseconds of the epoch; null for the level at the start. */
  readonly lastModified: number | null
}

/** The name of the logger above all others. */
const rootLogger = 'root'
/** Kafka Connect's loggers `org.apache.kafka.connect.…` are `connect.…` here: both names set the same logger. */
const javaPrefix = 'org.apache.kafka.'
/** The bytes that all settings together may have. */
const capacity = 64 * 1024
const header = 2

/**
 * The levels of the logger tree, shared by the threads of a process. A logger has the level of the longest name that is its own
 * or an ancestor's: `connect.runtime` covers `connect.runtime.Task`. Only one thread may {@link set} levels; the others see a
 * change with their next line.
 */
export class LogLevels {
  /** What another thread needs for {@link sharedWith}. */
  readonly buffer: SharedArrayBuffer
  readonly #numbers: Int32Array
  readonly #bytes: Uint8Array
  readonly #thresholds = new Map<string, number>()
  #settings: ReadonlyMap<string, LoggerSetting> = new Map()
  /** The version of `#settings`; odd versions are being written. */
  #version = -1

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#numbers = new Int32Array(buffer, 0, header)
    this.#bytes = new Uint8Array(buffer, header * Int32Array.BYTES_PER_ELEMENT)
  }

  static startingAt(root: LogLevel): LogLevels {
    const levels = new LogLevels(new SharedArrayBuffer(header * Int32Array.BYTES_PER_ELEMENT + capacity))
    levels.#write(new Map([[rootLogger, { level: loggerLevelAt(root), lastModified: null }]]))
    return levels
  }

  /** Those of the thread that started this one. */
  static sharedWith(buffer: SharedArrayBuffer): LogLevels {
    return new LogLevels(buffer)
  }

  /** Returns whether the logger of that name writes lines of that level. */
  allows(name: string, level: LogLevel): boolean {
    this.#refresh()
    let threshold = this.#thresholds.get(name)
    if (threshold === undefined) {
      threshold = this.#thresholdOf(name)
      this.#thresholds.set(name, threshold)
    }
    return loggerLevels.indexOf(loggerLevelAt(level)) >= threshold
  }

  /** The loggers whose level was set, by name, with `root`. */
  settings(): ReadonlyMap<string, LoggerSetting> {
    this.#refresh()
    return this.#settings
  }

  /**
   * Sets the level of a logger, and of all others whose names begin with its name, as log4j 1 does in Kafka Connect.
   * Returns the names of the loggers that had or have a level of their own.
   * @throws RangeError when there are too many
   */
  set(name: string, level: LoggerLevel, nowMs: number): readonly string[] {
    const canonical = canonicalName(name)
    const isCovered = (other: string): boolean => name === rootLogger || canonicalName(other).startsWith(canonical)
    const covered = [...this.settings().keys()].filter(isCovered)
    const names = [...new Set([...covered, name])].toSorted()
    this.#write(new Map([...this.#settings, ...names.map((each) => [each, { level, lastModified: nowMs }] as const)]))
    return names
  }

  #thresholdOf(name: string): number {
    for (let part = name; part !== ''; part = part.slice(0, Math.max(0, part.lastIndexOf('.')))) {
      const setting = this.#settings.get(part) ?? this.#settings.get(javaPrefix + part)
      if (setting !== undefined) return loggerLevels.indexOf(setting.level)
    }
    return loggerLevels.indexOf(this.#settings.get(rootLogger)?.level ?? 'INFO')
  }

  #refresh(): void {
    while (Atomics.load(this.#numbers, 0) !== this.#version) {
      const version = Atomics.load(this.#numbers, 0)
      // A copy: a decoder does not take shared memory.
      const text = new TextDecoder().decode(this.#bytes.slice(0, this.#numbers[1]))
      // The settings were written meanwhile: read them again.
      if (version % 2 !== 0 || Atomics.load(this.#numbers, 0) !== version) continue
      this.#settings = new Map(JSON.parse(text) as [string, LoggerSetting][])
      this.#thresholds.clear()
      this.#version = version
    }
  }

  #write(settings: ReadonlyMap<string, LoggerSetting>): void {
    const text = Buffer.from(JSON.stringify([...settings]))
    if (text.length > capacity)
      throw new RangeError(`all loggers with a level of their own have more than ${capacity} bytes`)
    Atomics.add(this.#numbers, 0, 1)
    this.#bytes.set(text)
    this.#numbers[1] = text.length
    Atomics.add(this.#numbers, 0, 1)
  }
}

function canonicalName(name: string): string {
  return name.startsWith(`${javaPrefix}connect`) ? name.slice(javaPrefix.length) : name
}
