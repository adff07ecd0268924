import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { deferred } from '../../foundation/async/deferred.ts'
import { Connection, type ConnectionSurroundings } from './connection.ts'

/** Systems take about this many bytes for the path of a socket. */
const maxPathBytes = 100

/**
 * A socket of the file system, for the worker that the broker belongs to. Only the owner of the data directory may connect, who could
 * read its files as well: nobody is asked for credentials. Its connections are not counted with those of strangers, and its requests do not wait for theirs: whatever other clients do, the
 * worker keeps its place in its group and its records flow.
 */
export class OwnListener {
  readonly path: string
  readonly connections: ReadonlySet<Connection>
  readonly #server: Server

  private constructor(path: string, server: Server, connections: Set<Connection>) {
    this.path = path
    this.#server = server
    this.connections = connections
  }

  /** Null where the system has no such sockets at that place: the worker then connects as others do. */
  static async open(path: string, around: ConnectionSurroundings): Promise<OwnListener | null> {
    const connections = new Set<Connection>()
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      const connection = new Connection(socket, { ...around, turns: null, authenticator: null }, () =>
        connections.delete(connection),
      )
      connections.add(connection)
    })
    const why = Buffer.byteLength(path) > maxPathBytes ? 'its path is too long' : await failureOf(server, path)
    if (why === null) chmodSync(path, 0o600)
    if (why === null) return new OwnListener(path, server, connections)
    around.logger.info('the worker connects to its log as other clients do: no socket of its own could be opened', {
      path,
      why,
    })
    return null
  }

  /** Finishes requests in flight and closes all connections. */
  async close(): Promise<void> {
    const closed = deferred<void>()
    this.#server.close(() => closed.resolve())
    await Promise.all(Array.from(this.connections, (connection) => connection.finish()))
    for (const connection of this.connections) connection.destroy()
    await closed.promise
  }
}

/** Why the server cannot listen there; null: it does. A socket that a killed process left is replaced. */
async function failureOf(server: Server, path: string): Promise<string | null> {
  const result = deferred<string | null>()
  server.once('error', (error) => result.resolve(error.message))
  try {
    rmSync(path, { force: true })
    server.listen({ path }, () => result.resolve(null))
  } catch (error) {
    result.resolve(String(error))
  }
  return await result.promise
}
