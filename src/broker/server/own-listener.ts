import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { deferred } from '../../foundation/async/deferred.ts'
import { Connection, type ConnectionSurroundings } from './connection.ts'

/** Maximum length of a socket path on common systems, in bytes. */
const maxPathBytes = 100

/**
 * A Unix domain socket in the data directory, for the worker that owns the broker. Only the owner of the directory can connect, who
 * can also read its files, so there is no authentication. Its connections are not counted, and its requests do not wait for other
 * clients: whatever they do, the worker stays in its group and its records flow.
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

  /** Returns null where the file system has no sockets: the worker then connects over TCP. */
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

/** Listens at the path. Returns the error, or null. Replaces the socket of a killed process. */
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
