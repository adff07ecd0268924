import { constants } from 'node:buffer'

import { ConnectError } from 'penstock/api'

import { UploadLostError, type ObjectUpload } from './object-upload.ts'
import { packingFacts, type WholePacking } from './packed-stream.ts'
import type { ObjectMark } from '../../s3-store/object/object-mark.ts'
import type { Condition, PutOutcome } from '../../s3-store/client/input/conditions.ts'
import type { ObjectHead } from '../../s3-store/client/object-reads.ts'
import type { S3Store } from '../../s3-store/client/s3-store.ts'

/** There is an object that this one may not replace, or not for certain. */
export class OccupiedKeyError extends ConnectError {}

/** What all objects of a task have learnt of the store. */
export interface WriteConditions {
  /** Whether the store checks that nothing was put in the meantime. */
  isSupported: boolean
}

export interface PlacementOptions {
  readonly store: S3Store
  readonly conditions: WriteConditions
  /** See {@link ObjectFormat.contentOf}. */
  readonly contentOf: (object: Buffer, maxBytes: number) => Promise<Buffer | null>
}

/** `unproven`: only the holder of the partition may replace the object that is there. See {@link ObjectPlacement.proved}. */
export type Placed = 'done' | 'unproven'

/** What follows an attempt: another one under a condition, or the end. */
type Step = Condition | Placed

/**
 * Creates an object, or replaces the one that an earlier attempt left, or an earlier run whose offsets were not committed. An
 * object's metadata says which topic its records are from. An object of another topic is never replaced. One without such
 * metadata is replaced only when nothing is lost: when the new object begins with all of its content.
 *
 * The object may also be a successor's, if this task lost its partition without noticing. A commit that the group accepts after
 * the object was seen proves that there was no successor when it was written. Clocks are not compared: those of two workers
 * differ.
 */
export class ObjectPlacement {
  readonly #options: PlacementOptions
  /** The tag of the object that was found last. */
  #seen: string | null = null
  /** The tag of an object that was written before a commit of this task was accepted. */
  #proven: string | null = null

  /** What follows each outcome of an attempt. */
  readonly #after: Readonly<Record<PutOutcome, (upload: ObjectUpload) => Promise<Step>>> = {
    done: async () => 'done',
    'conditions-unknown': async (upload) => {
      this.#options.conditions.isSupported = false
      return await this.#firstStep(upload)
    },
    'precondition-failed': async (upload) => {
      const found = await this.#headOf(upload)
      return this.#isOwn(upload, found) ? 'done' : await this.#stepOver(upload, found)
    },
    'no-such-upload': async (upload) => {
      if (this.#isOwn(upload, await this.#headOf(upload))) return 'done'
      throw new UploadLostError(`the store no longer has the upload of ${upload.key}`)
    },
  }

  constructor(options: PlacementOptions) {
    this.#options = options
  }

  /**
   * Completes the upload under the first condition that holds. After `unproven`, call it again once {@link proved} was called.
   * @throws OccupiedKeyError, UploadLostError, and what the upload throws.
   */
  async place(upload: ObjectUpload): Promise<Placed> {
    let step = await this.#firstStep(upload)
    while (typeof step === 'object') step = await this.#after[await upload.complete(step)](upload)
    if (step === 'done') {
      this.#seen = null
      this.#proven = null
    }
    return step
  }

  /** A commit was accepted that was requested after `unproven`: the task had the partition when it saw the object. */
  proved(): void {
    this.#proven = this.#seen
  }

  /** A store that does not check conditions is asked first whether there is an object. */
  async #firstStep(upload: ObjectUpload): Promise<Step> {
    if (this.#options.conditions.isSupported)
      return this.#proven === null ? { kind: 'absent' } : { kind: 'tag', tag: this.#proven }
    return await this.#stepOver(upload, await this.#headOf(upload))
  }

  /** The object is there already when the response of the attempt before was lost. */
  #isOwn(upload: ObjectUpload, found: ObjectHead | null): boolean {
    if (found?.mark?.writer !== upload.mark.writer) return false
    upload.finished()
    return true
  }

  async #headOf(upload: ObjectUpload): Promise<ObjectHead | null> {
    const found = await this.#options.store.headObject(upload.key, upload.signal)
    if (found !== 'denied') return found
    throw new OccupiedKeyError(
      `HEAD ${upload.key} was refused, so it is not known which object would be overwritten. Grant the credentials s3:GetObject on the objects of this bucket, and s3:ListBucket on the bucket.`,
      { code: 'S3_DENIED' },
    )
  }

  async #stepOver(upload: ObjectUpload, found: ObjectHead | null): Promise<Step> {
    const any: Condition = { kind: 'any' }
    if (found === null) return this.#options.conditions.isSupported ? { kind: 'absent' } : any
    await this.#checkReplaceable(upload, found)
    if (found.tag !== this.#proven) {
      this.#seen = found.tag
      return 'unproven'
    }
    return this.#options.conditions.isSupported ? { kind: 'tag', tag: found.tag } : any
  }

  async #checkReplaceable(upload: ObjectUpload, found: ObjectHead): Promise<void> {
    const origin = originOf(found.mark, upload.mark)
    if (origin === 'another') throw otherTopic(upload, found.mark)
    if (isOtherRecord(found.mark, upload.mark)) throw otherRecords(upload, found.mark)
    if (origin === 'unknown' && !(await this.#isBeginningOf(upload, found))) throw unknownObject(upload.key)
  }

  /** Whether the new object begins with the whole content of the one that is there. */
  async #isBeginningOf(upload: ObjectUpload, found: ObjectHead): Promise<boolean> {
    const own = await upload.whole()
    // Another program may have compressed it less.
    if (own === null || found.bytes > own.length * 2 + 1024) return false
    const theirs = await this.#options.store.getObject(upload.key, found, upload.signal)
    if (theirs === null) return false
    const { packing } = upload
    const contentOf = packing === null ? this.#options.contentOf : unpacker(packing)
    const content = await contentOf(own, constants.MAX_LENGTH)
    if (content === null) return false
    const beginning = await contentOf(Buffer.from(theirs), content.length)
    return beginning !== null && content.subarray(0, beginning.length).equals(beginning)
  }
}

function unpacker(packing: WholePacking): PlacementOptions['contentOf'] {
  const { unpack } = packingFacts(packing)
  return async (object, maxBytes) => {
    try {
      return await unpack(object, { maxOutputLength: Math.max(1, Math.min(maxBytes, constants.MAX_LENGTH)) })
    } catch {
      return null
    }
  }
}

/** Whether two objects are of one topic. Objects of other programs, and of older versions of this sink, do not say. */
function originOf(theirs: ObjectMark | null, ours: ObjectMark): 'same' | 'another' | 'unknown' {
  if (theirs === null) return 'unknown'
  const differ = (a: string | null, b: string | null): boolean => a !== null && b !== null && a !== b
  if (differ(theirs.topicId, ours.topicId) || differ(theirs.clusterId, ours.clusterId)) return 'another'
  // A cluster without topic ids cannot tell a topic from an earlier one of the same name.
  if (theirs.topicId !== ours.topicId) return 'unknown'
  return theirs.topicId !== null || theirs.clusterId === ours.clusterId ? 'same' : 'unknown'
}

/** Whether both begin at one offset with different records: the topic was restored from a backup, and has been written to since. */
function isOtherRecord(theirs: ObjectMark | null, { first }: ObjectMark): boolean {
  const other = theirs?.first ?? null
  return first !== null && other !== null && first.offset === other.offset && first.timestamp !== other.timestamp
}

function otherTopic({ key, mark }: ObjectUpload, theirs: ObjectMark | null): OccupiedKeyError {
  const placeOf = (of: ObjectMark | null): string =>
    `topic id ${of?.topicId ?? 'none'} in cluster ${of?.clusterId ?? 'none'}`
  return new OccupiedKeyError(
    `${key} exists and holds records of another topic of this name (${placeOf(theirs)}; this task reads ${placeOf(mark)}): the topic was deleted and re-created, or belongs to another cluster. Nothing was overwritten. Set topics.dir of the connector to a directory of its own, or move the old objects away and restart the task.`,
    { code: 'S3_OTHER_TOPIC' },
  )
}

function otherRecords({ key, mark }: ObjectUpload, theirs: ObjectMark | null): OccupiedKeyError {
  return new OccupiedKeyError(
    `${key} exists and its first record has the timestamp ${theirs?.first?.timestamp}, but the record of the topic at this offset has ${mark.first?.timestamp}: the topic was restored from a backup, or lost its last records, and has been written to since. Nothing was overwritten: the object may hold the only copy of its records. Set topics.dir of the connector to a directory of its own, or move this object and the later ones away and restart the task.`,
    { code: 'S3_OTHER_RECORDS' },
  )
}

function unknownObject(key: string): OccupiedKeyError {
  return new OccupiedKeyError(
    `${key} exists, does not say which topic its records are from, and is not the beginning of the object to write. Nothing was overwritten. If a connector was stopped after it wrote this object and before it committed its offsets, delete the object and restart the task: its records are read again. Otherwise set topics.dir of the connector to a directory of its own.`,
    { code: 'S3_UNKNOWN_OBJECT' },
  )
}
