import { Socket } from 'node:net'

/** The receiver of a socket's bytes, as in Node's `onread` option of `net.connect`. */
export interface Receiver {
  /** Returns the buffer for the next read. */
  destination(): Uint8Array
  /** `count` bytes were read to the last destination. */
  received(count: number): void
  /** Bytes in a buffer of their own. */
  push(chunk: Buffer): void
}

/** The internal handle of a socket that a server accepted. */
interface Accepted {
  _handle?: object | null
  _server?: object | null
}

/**
 * Makes an accepted socket read into buffers of the receiver. Node supports that (`onread`) for sockets that connect, but not for
 * those that a server accepts, which allocate 64 kB for every read. So the connection is moved into a socket that was created with
 * `onread`. If Node does not allow that, the allocated buffers are used.
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
