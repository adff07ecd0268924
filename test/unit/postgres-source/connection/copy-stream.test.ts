import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CopyStream, type FrameHandler } from '../../../../connectors/postgres-source/connection/copy-stream.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

function message(tag: string, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.write(tag)
  head.writeInt32BE(payload.length + 4, 1)
  return Buffer.concat([head, payload])
}

const consent = message('W', Buffer.from([0, 0, 0]))
const ready = message('Z', Buffer.from('I'))

/** The server's side of a connection: what it receives, and a way to respond. */
class Wire extends Duplex {
  readonly sent: Buffer[] = []
  override _read(): void {
    // The test pushes its responses with `answer`.
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.sent.push(chunk)
    done()
  }
  /** Delivers immediately, as a socket does. */
  answer(...messages: Buffer[]): void {
    for (const bytes of messages) this.emit('data', bytes)
  }
}

function open(onFrame: FrameHandler): { wire: Wire; copy: CopyStream; clock: ManualClock } {
  const wire = new Wire()
  const clock = new ManualClock()
  return { wire, clock, copy: new CopyStream(wire, 'COPY', clock, onFrame) }
}

describe('a copy stream', () => {
  it('passes on the same payloads however the bytes are split', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
        (payloads, cuts) => {
          const seen: string[] = []
          const { wire } = open((bytes, start, end) => {
            seen.push(bytes.toString('hex', start, end))
            return true
          })
          const bytes = Buffer.concat([consent, ...payloads.map((payload) => message('d', payload)), ready])
          for (let position = 0, i = 0; position < bytes.length; i += 1) {
            const next = position + (cuts[i % cuts.length] ?? 1)
            wire.answer(bytes.subarray(position, next))
            position = next
          }
          expect(seen).toEqual(payloads.map((payload) => Buffer.from(payload).toString('hex')))
        },
      ),
    )
  })

  it('passes a frame again after proceed, and all frames after it', () => {
    const seen: string[] = []
    let refusing = true
    const { wire, copy } = open((bytes, start, end) => {
      if (refusing && bytes.toString('latin1', start, end) === 'b') return false
      seen.push(bytes.toString('latin1', start, end))
      return true
    })
    wire.answer(consent, Buffer.concat(['a', 'b', 'c'].map((text) => message('d', Buffer.from(text)))))
    wire.answer(message('d', Buffer.from('d')).subarray(0, 3))
    expect(seen).toEqual(['a'])
    expect(wire.isPaused()).toBe(true)
    refusing = false
    copy.proceed()
    expect(seen).toEqual(['a', 'b', 'c'])
    wire.answer(message('d', Buffer.from('d')).subarray(3))
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
  })

  it('rests a millisecond after a short read, and continues unless it is paused', () => {
    const { wire, copy, clock } = open(() => true)
    wire.answer(consent)
    expect(wire.isPaused()).toBe(true)
    clock.advance(1)
    expect(wire.isPaused()).toBe(false)
    copy.pause()
    wire.answer(message('d', Buffer.from('a')))
    clock.advance(1)
    expect(wire.isPaused()).toBe(true)
    copy.resume()
    expect(wire.isPaused()).toBe(false)
  })

  it('rejects with the error of the server, and returns the connection', async () => {
    const { wire, copy } = open(() => true)
    wire.answer(message('E', Buffer.from('SERROR\0C42704\0Mslot "x" does not exist\0Hmake one\0\0')), ready)
    await expect(copy.started).rejects.toMatchObject({
      message: 'slot "x" does not exist',
      sqlState: '42704',
      hint: 'make one',
    })
    await expect(copy.done).rejects.toThrow('does not exist')
    expect(copy.finished).toBe(true)
    copy.send(Buffer.from('late'))
    expect(wire.sent).toHaveLength(1)
  })

  it('resolves when the copy is complete', async () => {
    const { wire, copy } = open(() => true)
    wire.answer(consent, message('c', Buffer.alloc(0)), message('C', Buffer.from('COPY 1\0')), ready)
    await copy.started
    await copy.done
  })

  it('fails with the error of the handler, and with the loss of the connection', async () => {
    const first = open(() => {
      throw new RangeError('cannot read this')
    })
    first.wire.on('error', () => undefined)
    first.wire.answer(consent, message('d', Buffer.from('a')))
    await expect(first.copy.done).rejects.toThrow('cannot read this')
    expect(first.wire.destroyed).toBe(true)
    const second = open(() => true)
    second.wire.answer(consent)
    second.wire.destroy()
    await expect(second.copy.done).rejects.toMatchObject({ code: 'PG_CONNECTION_LOST' })
  })
})
