/** Exit codes of the commands. They are part of the interface: docs/reference/command-line.md lists them. */
export const exitCodes = {
  done: 0,
  /** The command ran, and what it looked at is not as it should be: a config with errors, a failed connector, a difference. */
  found: 1,
  /** The command line is invalid, or the command could not start or continue. */
  failed: 2,
  /** No server responded. */
  unreachable: 3,
  /** The server asks for credentials, or the user may not do this (401, 403). */
  denied: 4,
  /** The server has no such connector, task, plugin or topic (404). */
  notFound: 5,
  /** It exists already, or the workers of the group are rebalancing (409). */
  conflict: 6,
  /** The server refused the request, such as a config that is not valid (400). */
  refused: 7,
  /** The server failed (5xx), or its response cannot be understood. */
  serverFailed: 8,
  /** The server does not have this operation: an older worker, or Kafka Connect. */
  unsupported: 9,
  /** The embedded broker failed, and the worker cannot continue without it (EX_SOFTWARE of BSD's sysexits.h). */
  brokerDied: 70,
  /** Ctrl-C. */
  interrupted: 130,
} as const
