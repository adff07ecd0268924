import { pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'

import { DataError, errorMessage, RetriableError } from 'penstock/api'

import type { ListedObject } from '../client/object-reads.ts'
import type { S3Store } from '../client/s3-store.ts'

const rangeBytes = 4 * 1024 * 1024

/** An object was replaced or deleted after it was listed. */
export class ObjectChangedError extends RetriableError {
  constructor(key: string) {
    super(`${key} was replaced or deleted while it was read`, { code: 'S3_OBJECT_CHANGED' })
  }
}

/** Reads the bytes of an object, a range at a time, with the next range in flight. @throws ObjectChangedError */
export async function* objectBytes(store: S3Store, object: ListedObject, signal: AbortSignal): AsyncGenerator<Buffer> {
  const range = (start: number): Promise<Buffer | null> => {
    const request = store.getRange(object, { start, end: Math.min(object.bytes, start + rangeBytes) }, signal)
    // A failure is that of the `await` below, which may come later, or not at all.
    request.catch(() => undefined)
    return request
  }
  let next = object.bytes > 0 ? range(0) : null
  for (let start = 0; next !== null; start += rangeBytes) {
    const bytes: Buffer | null = await next
    if (bytes === null) throw new ObjectChangedError(object.key)
    next = start + rangeBytes < object.bytes ? range(start + rangeBytes) : null
    yield bytes
  }
}

/** Unpacks an object whose name says that it is compressed as a whole. @throws DataError when it is damaged */
export async function* unpackedBytes(key: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (!/\.(?:gz|zst)$/.test(key)) {
    yield* bytes
    return
  }
  const failures: Error[] = []
  const source = async function* () {
    try {
      yield* bytes
    } catch (error) {
      if (error instanceof Error) failures.push(error)
      throw error
    }
  }
  const decompressor = key.endsWith('.gz') ? createGunzip() : createZstdDecompress()
  // The loop fails with the error that the callback is told.
  const unpacked = pipeline(Readable.from(source()), decompressor, () => undefined)
  try {
    for await (const piece of unpacked) yield piece as Buffer
  } catch (error) {
    const [failure] = failures
    if (failure !== undefined) throw failure
    throw new DataError(`its compression is damaged: ${errorMessage(error)}`, { cause: error })
  }
}
