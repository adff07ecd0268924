import { errorMessage } from '../foundation/error-message.ts'
import { loggerLevelOf, type LoggerLevel } from '../foundation/logging/log-levels.ts'
import type { Logger } from '../foundation/logging/logger.ts'

/** Sets the level of a logger that the config topic names for all workers. One that cannot be set is logged. */
export function applyClusterLevel(
  { logger: name, level }: { readonly logger: string; readonly level: string },
  set: (logger: string, level: LoggerLevel) => void,
  logger: Logger,
): void {
  const known = loggerLevelOf(level)
  try {
    if (known !== null) set(name, known)
    else logger.warn(`level ${level} of logger ${name} in the config topic is ignored: no such level`)
  } catch (error) {
    logger.warn(`the level of logger ${name} in the config topic is ignored: ${errorMessage(error)}`)
  }
}
