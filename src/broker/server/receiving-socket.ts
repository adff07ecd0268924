import { Socket } from 'node:net'

/** Where a socket's bytes go: Node's `onread`. */
export interface Receiver {
  /** Where the next bytes are read to. */
  destination(): Uint8Array
  /** `count` bytes were read to the last destination. */
  received(count: number): void
  /** Bytes in memory of their own. */
  push(chunk: Buffer): void
}

/** What Node keeps of a socket that a server accepted. */
interface Accepted {
  _handle?: object | null
  _server?: object | null
}

/**
 * The accepted socket, reading into memory that the receiver names. Node offers that (`onread`) to sockets that connect but
 * not to those that a server accepts, which get a buffer of 64 kB for every read: so the connection is moved into a socket
 * made with `onread`. Where Node does not let it be moved, its buffers are taken as they come.
 * @param accepted paused since it was accepted (`pauseOnConnect`).
 */
export function receivingSocket(accepted: Socket, receiver: Receiver): Socket {
  const from = accepted as unknown as Accepted
  const { _handle: handle, _server: server } = from
  if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle) || server === undefined) {
    accepted.on('data', (chunk: Buffer) => receiver.push(chunk))
    accepted.resume()
    return accepted
  }
  const onread = {
    buffer: () => receiver.destination(),
    callback: (count: number): boolean => {
      receiver.received(count)
      return true
    },
  }
  const socket = new Socket({ handle, onread } as object)
  from._handle = null
  // The server counts its connections by this.
  ;(socket as unknown as Accepted)._server = server
  from._server = null
  socket.resume()
  return socket
}
