import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { readBatchHeader } from '../../../src/protocol/record-batch/record-batch.ts'
import { readRecords } from '../protocol/read-batches.ts'

/** The response of a broker to one batch. */
export interface ModelAnswer {
  readonly errorCode: number
  readonly baseOffset: number
}

interface Remembered {
  readonly first: number
  readonly last: number
  readonly baseOffset: number
}

const rememberedBatches = 5

/** One partition of a broker as Kafka specifies it: sequences are checked for producers that it knows, and only for those. */
export class PartitionModel {
  /** The numbers that the records carry as their values, in the order of the log. */
  readonly log: number[] = []
  /** Whether a batch of an unknown producer that does not begin at 0 is refused, as brokers before Kafka 2.5 did. */
  readonly #refusesUnknown: boolean
  readonly #producers = new Map<number, Remembered[]>()
  #nextProducerId = 0

  constructor(refusesUnknown: boolean) {
    this.#refusesUnknown = refusesUnknown
  }

  newProducerId(): number {
    this.#nextProducerId += 1
    return this.#nextProducerId
  }

  /** Forgets all producers. */
  forget(): void {
    this.#producers.clear()
  }

  append(batch: Buffer): ModelAnswer {
    const { producerId, baseSequence, lastOffsetDelta } = readBatchHeader(batch)
    const known = this.#producers.get(producerId)
    const last = baseSequence + lastOffsetDelta
    const same = known?.find((other) => other.first === baseSequence && other.last === last)
    if (same !== undefined) return { errorCode: errorCodes.NONE, baseOffset: same.baseOffset }
    if (known === undefined && this.#refusesUnknown && baseSequence > 0) return refusal('UNKNOWN_PRODUCER_ID')
    const previous = known?.at(-1)
    if (previous !== undefined && previous.last + 1 !== baseSequence) return refusal('OUT_OF_ORDER_SEQUENCE_NUMBER')
    const baseOffset = this.log.length
    this.log.push(...readRecords(batch).map(({ value }) => Number(value?.toString())))
    const batches = [...(known ?? []), { first: baseSequence, last, baseOffset }]
    this.#producers.set(producerId, batches.slice(-rememberedBatches))
    return { errorCode: errorCodes.NONE, baseOffset }
  }
}

/** The answer of a broker that refuses a batch. */
export function refusal(name: keyof typeof errorCodes): ModelAnswer {
  return { errorCode: errorCodes[name], baseOffset: -1 }
}
