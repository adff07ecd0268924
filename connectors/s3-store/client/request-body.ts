import { digest } from './input/checksums.ts'
import { PieceStream } from './piece-stream.ts'

/** The bytes of an object or a part, in pieces. */
export class RequestBody {
  readonly pieces: readonly Uint8Array[]
  readonly bytes: number
  #sha256: Buffer | null = null

  constructor(pieces: readonly Uint8Array[]) {
    this.pieces = pieces
    this.bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
  }

  /** Computed once: the signature of each attempt covers it, and it may be the checksum too. */
  get sha256(): Buffer {
    this.#sha256 ??= digest('sha256', this.pieces)
    return this.#sha256
  }

  /** A stream can be sent once: each attempt gets its own. */
  stream(): PieceStream {
    return new PieceStream(this.pieces, this.sha256.toString('hex'))
  }
}
