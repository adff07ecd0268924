import type { Clock } from '../../foundation/clock.ts'
import type { LogLevels } from '../../foundation/logging/log-levels.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { LogSink } from '../../foundation/logging/named-logger.ts'

/** What a worker gets from its process. */
export interface WorkerEnvironment {
  readonly logSink: LogSink
  readonly logger: Logger
  readonly logLevels: LogLevels
  readonly clock: Clock
}
