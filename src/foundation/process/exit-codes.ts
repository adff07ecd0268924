/** How a command ends. */
export const exitCodes = {
  done: 0,
  /** The command line is wrong, or it could not start, or not go on. */
  failed: 2,
  /** The embedded log died: the worker cannot go on without it (BSD's EX_SOFTWARE). */
  logDied: 70,
} as const
