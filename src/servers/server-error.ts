/** A server could not be found, downloaded or started. The message says what was tried and what to do. */
export class ServerError extends Error {
  override readonly name: string = 'ServerError'
}

/** A way to get a server that was tried, and why it failed. */
export interface FailedWay {
  readonly way: string
  readonly reason: string
}

/** All ways to get a server failed. */
export class ServerMissingError extends ServerError {
  override readonly name = 'ServerMissingError'
  readonly ways: readonly FailedWay[]

  constructor(title: string, ways: readonly FailedWay[], advice: string) {
    super(`${title} is not available: ${ways.map(({ way, reason }) => `${way}: ${reason}`).join('; ')}. ${advice}`)
    this.ways = ways
  }
}

/** Returns whether an error has the code of a system call, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
