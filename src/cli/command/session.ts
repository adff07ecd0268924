import type { Clock } from '../../foundation/clock.ts'
import { authorizationOf } from '../contexts/credentials.ts'
import { chosenServer, type ServerChoice, type ServerWish } from '../contexts/server-choice.ts'
import { Output } from '../output/output.ts'
import type { Terminal } from '../output/terminal.ts'
import { ConnectApi } from '../rest-client/connect-api.ts'
import { RestClient, trust } from '../rest-client/rest-client.ts'
import { CommandError } from './command-error.ts'

/** What the process gives to a command. */
export interface Surroundings {
  readonly terminal: Terminal
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  /** All of standard input. */
  readonly stdin: () => Promise<string>
  /** A line that the user types. */
  readonly ask: (question: string) => Promise<string>
  /** From now on, Ctrl-C aborts this signal instead of the process. */
  readonly interrupt: () => AbortSignal
}

/** One run of a command. */
export class Session {
  readonly out: Output
  readonly surroundings: Surroundings
  readonly #wish: ServerWish

  constructor(surroundings: Surroundings, options: { readonly json: boolean; readonly server: ServerWish }) {
    this.surroundings = surroundings
    this.out = new Output(surroundings.terminal, options.json)
    this.#wish = options.server
  }

  get clock(): Clock {
    return this.surroundings.clock
  }

  /** The server that the command line names. @throws CommandError */
  server(): ServerChoice {
    return chosenServer(this.#wish, this.surroundings.env)
  }

  /** The REST API of that server. @throws CommandError when its credentials cannot be read */
  async rest(): Promise<RestClient> {
    const server = this.server()
    if (server.ca !== undefined) await trust(server.ca)
    return new RestClient(server.url, authorizationOf(server, this.surroundings.env), this.clock)
  }

  /** What every server with this API has. */
  async api(): Promise<ConnectApi> {
    return new ConnectApi(await this.rest())
  }

  /**
   * Asks before something is done that cannot be undone. Where no one can be asked, `--yes` has to be given.
   * @throws CommandError when it is not, or the user says no
   */
  async confirm(question: string, isYes: boolean): Promise<void> {
    if (isYes) return
    if (!this.surroundings.terminal.isInteractive || this.out.json)
      throw new CommandError(`${question} Add --yes to say so: there is no terminal to ask on.`)
    const reply = await this.surroundings.ask(`${question} [y/N] `)
    if (!/^y(?:es)?$/i.test(reply.trim())) throw new CommandError('Nothing was changed.')
  }
}
