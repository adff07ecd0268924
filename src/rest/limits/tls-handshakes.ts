import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { RestConnection } from './rest-connection.ts'

/** Why the TLS of a connection was refused. */
export interface TlsRefusal {
  readonly code: string
  readonly reason: string
}

/** Connections that clients have opened, and whose TLS is not established yet. Node has two sockets for such a connection. */
export class TlsHandshakes {
  readonly #pending = new Map<string, RestConnection>()

  begin(connection: RestConnection): void {
    const place = placeOf(connection.socket)
    this.#pending.set(place, connection)
    connection.socket.once('close', () => this.#end(place, connection))
  }

  /** Returns the connection whose TLS is established. Null: it is closed. */
  end(socket: TLSSocket): RestConnection | null {
    const place = placeOf(socket)
    const connection = this.#pending.get(place)
    if (connection === undefined) return null
    this.#pending.delete(place)
    return connection
  }

  /** Closes the connections: the server knows them once their TLS is established. */
  abandon(): void {
    for (const { socket } of this.#pending.values()) socket.destroy()
  }

  #end(place: string, connection: RestConnection): void {
    if (this.#pending.get(place) === connection) this.#pending.delete(place)
  }
}

function placeOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

/** Returns why a handshake failed. Null: the client disconnected before its end. */
export function handshakeRefusal(error: NodeJS.ErrnoException, socket: TLSSocket): TlsRefusal | null {
  const code = error.code ?? error.message
  // Node gives a certificate that it refuses no error of its own.
  const refused: unknown = socket.authorizationError
  if (typeof refused === 'string') return certificateRefusal(refused)
  if (code === 'ECONNRESET' || code === 'EPIPE') return null
  const reasons: Readonly<Record<string, string>> = {
    ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it sent no certificate, and ssl.client.auth=required',
    ERR_SSL_HTTP_REQUEST: 'it sent a request without TLS',
    ERR_SSL_UNSUPPORTED_PROTOCOL: 'it supports no version of ssl.enabled.protocols',
  }
  return { code, reason: reasons[code] ?? error.message }
}

/** Returns why an established connection is refused: with `ssl.client.auth=requested` a certificate is optional, but must be valid. */
export function requestedRefusal(socket: TLSSocket): TlsRefusal | null {
  if (socket.authorized || Object.keys(socket.getPeerCertificate()).length === 0) return null
  return certificateRefusal(String(socket.authorizationError))
}

function certificateRefusal(code: string): TlsRefusal {
  return { code, reason: `its certificate is not accepted: ${code}. ssl.truststore names the authorities of clients` }
}
