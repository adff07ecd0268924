/** Exit codes of the commands. */
export const exitCodes = {
  done: 0,
  /** The command line is invalid, or the command could not start or continue. */
  failed: 2,
  /** The embedded broker failed, and the worker cannot continue without it (EX_SOFTWARE of BSD's sysexits.h). */
  brokerDied: 70,
} as const
