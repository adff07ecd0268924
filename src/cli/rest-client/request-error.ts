import { exitCodes } from '../../foundation/process/exit-codes.ts'
import { CommandError } from '../command/command-error.ts'

/** A request that a server refused. */
export interface RefusedRequest {
  readonly url: string
  readonly method: string
  readonly path: string
  readonly status: number
  /** The body of the response. */
  readonly text: string
}

/** The server does not have what is asked for. */
export class NotFoundCommandError extends CommandError {
  constructor(message: string) {
    super(message, exitCodes.notFound)
  }
}

/** The server does not have the operation: it is an older worker, or Kafka Connect. */
export class UnsupportedCommandError extends CommandError {
  constructor(url: string, what: string) {
    super(
      `${url} does not have this operation (${what}). It is Kafka Connect or an older worker; ` +
        'only a worker of this version of Penstock has it.',
      exitCodes.unsupported,
    )
  }
}

/** The error of a refused request: its message is that of the server, with what to do. */
export function requestError({ url, method, path, status, text }: RefusedRequest): CommandError {
  const message = messageOf(text)
  const said = message === '' ? `${method} ${url}${path} returned ${status}` : message
  if (status === 401)
    return new CommandError(
      `${url} asks for credentials: ${said}. Add them: penstock context add NAME --url ${url} --token env:NAME`,
      exitCodes.denied,
    )
  if (status === 403) return new CommandError(`${url} refuses: ${said}`, exitCodes.denied)
  if (status === 405 || (status === 404 && isWithoutRoute(message)))
    return new UnsupportedCommandError(url, `${method} ${path}`)
  if (status === 404) return new NotFoundCommandError(said)
  if (status === 409) return new CommandError(said, exitCodes.conflict)
  if (status >= 500) return new CommandError(`${url} failed (${status}): ${said}`, exitCodes.serverFailed)
  return new CommandError(said, exitCodes.refused)
}

/** What Jersey says of a path without a route; and servers that are not Kafka Connect say nothing that is JSON. */
const isWithoutRoute = (message: string): boolean => message === '' || message === 'HTTP 404 Not Found'

/** The message in the body of an error; its last line, which tells clients about the validate endpoint, is left out. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown }
    if (typeof message !== 'string') return ''
    return message.replace(/\s*You can also find the above list of errors at the endpoint [^]*$/, '').trim()
  } catch {
    return ''
  }
}
