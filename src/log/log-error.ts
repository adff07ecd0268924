import { errorCodes } from '../protocol/error-codes.ts'

/** An error of a partition log. `errorCode` is that of the Kafka protocol. */
export class LogError extends Error {
  readonly errorCode: number

  constructor(errorCode: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.errorCode = errorCode
  }
}

/** The disk failed or is full, or the partition waits for recovery after a failed sync. KAFKA_STORAGE_ERROR: clients retry. */
export class StorageError extends LogError {
  /** The system's code, such as `ENOSPC`; null when the failure is not the system's. */
  readonly code: string | null

  constructor(message: string, details: { readonly cause?: unknown; readonly code?: string } = {}) {
    super(errorCodes.KAFKA_STORAGE_ERROR, message, details.cause)
    this.code = details.code ?? systemCodeOf(details.cause)
  }
}

/** The error of one record of a batch (KIP-467). `batchIndex` counts the records of the batch from 0. */
export interface RecordFault {
  readonly batchIndex: number
  readonly message: string
}

/** A batch that may not be appended: its bytes, its size, its times, or its producer's epoch and sequence are wrong. */
export class RejectedBatchError extends LogError {
  /** The invalid records; empty when the batch as a whole is invalid. */
  readonly records: readonly RecordFault[]

  constructor(
    errorCode: number,
    message: string,
    details: { readonly cause?: unknown; readonly records?: readonly RecordFault[] } = {},
  ) {
    super(errorCode, message, details.cause)
    this.records = details.records ?? []
  }
}

/** An offset that is not in the log. */
export class OffsetOutOfRangeError extends LogError {
  readonly offset: number
  readonly logStartOffset: number
  readonly logEndOffset: number

  constructor(offset: number, logStartOffset: number, logEndOffset: number) {
    super(
      errorCodes.OFFSET_OUT_OF_RANGE,
      `offset ${offset} is outside the log, which holds ${logStartOffset} to ${logEndOffset - 1}`,
    )
    this.offset = offset
    this.logStartOffset = logStartOffset
    this.logEndOffset = logEndOffset
  }
}

/** Bytes of the log that cannot be read: they were damaged after they were written, or their producer sent what no one can decode. */
export class CorruptLogError extends LogError {
  constructor(path: string, position: number, reason: string) {
    super(errorCodes.CORRUPT_MESSAGE, `${path} is damaged at byte ${position}: ${reason}`)
  }
}

function systemCodeOf(cause: unknown): string | null {
  if (!(cause instanceof Error)) return null
  const code = (cause as NodeJS.ErrnoException).code
  return typeof code === 'string' ? code : null
}
