/** A server could not be found, fetched or started: says what was tried and what would help. */
export class ServerError extends Error {
  override readonly name: string = 'ServerError'
}

/** One way that was tried to have a server, and why it did not work. */
export interface FailedWay {
  readonly way: string
  readonly reason: string
}

/** No way led to a server; `ways` says which were tried. */
export class ServerMissingError extends ServerError {
  override readonly name = 'ServerMissingError'
  readonly ways: readonly FailedWay[]

  constructor(title: string, ways: readonly FailedWay[], advice: string) {
    super(`${title} cannot be had: ${ways.map(({ way, reason }) => `${way}: ${reason}`).join('; ')}. ${advice}`)
    this.ways = ways
  }
}

/** Whether an error carries the code of a system call, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
