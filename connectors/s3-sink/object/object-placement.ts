import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

import { ConnectError } from 'penstock/api'

import { UploadLostError, type ObjectUpload } from './object-upload.ts'
import type { ObjectMark } from './object-mark.ts'
import type { Condition } from '../s3-client/conditions.ts'
import type { ObjectHead } from '../s3-client/object-reads.ts'
import type { S3Store } from '../s3-client/s3-store.ts'

const unpack = promisify(gunzip)

/** An object is in the way that is not, or not for sure, one that this one may replace. */
export class OccupiedKeyError extends ConnectError {}

export interface PlacementOptions {
  readonly store: S3Store
  /** Whether the store is to check that nothing was put meanwhile. */
  readonly conditionalWrites: boolean
}

/** `unproven`: an object may only be replaced by the holder of the partition. See {@link ObjectPlacement.proved}. */
export type Placed = 'done' | 'unproven'

/**
 * Puts objects where none is, or over one that they replace: left by an attempt before, or by an earlier life whose offsets
 * were not committed. An object that is there says in its metadata which topic its records are from. One of another topic
 * is never replaced, nor one that says nothing, unless nothing is lost: all of it stands at the beginning of the new one.
 *
 * What is there may also be a successor's, when this task has lost its partition without noticing. A commit that the group
 * accepts after the object was seen shows that there was no successor when it was written. No clock is compared: those of
 * two workers differ.
 */
export class ObjectPlacement {
  readonly #options: PlacementOptions
  #conditions: boolean
  /** The tag of the object that was found in the way last. */
  #seen: string | null = null
  /** The tag of one that was written before a commit of this task was accepted. */
  #proven: string | null = null

  constructor(options: PlacementOptions) {
    this.#options = options
    this.#conditions = options.conditionalWrites
  }

  /**
   * After `unproven`, it is to be called again once {@link proved} was.
   * @throws OccupiedKeyError, UploadLostError, and what the upload throws.
   */
  async place(upload: ObjectUpload): Promise<Placed> {
    let condition = await this.#firstCondition(upload)
    while (condition !== null) {
      const outcome = await upload.complete(condition)
      if (outcome === 'done') return this.#done()
      if (outcome === 'conditions-unknown') {
        this.#conditions = false
        condition = await this.#firstCondition(upload)
        continue
      }
      // Also where an answer got lost on the way: the object may be our own.
      const found = await this.#headOf(upload)
      if (found?.mark?.writer === upload.mark.writer) {
        upload.finished()
        return this.#done()
      }
      if (outcome === 'no-such-upload') throw new UploadLostError(`the store has forgotten the upload of ${upload.key}`)
      condition = await this.#conditionOver(upload, found)
    }
    return 'unproven'
  }

  /** A commit was accepted that was asked for after `unproven`: the task held the partition when it saw the object. */
  proved(): void {
    this.#proven = this.#seen
  }

  #done(): Placed {
    this.#seen = null
    this.#proven = null
    return 'done'
  }

  /** A store that does not check conditions is asked what is there before. */
  async #firstCondition(upload: ObjectUpload): Promise<Condition | null> {
    if (this.#conditions) return this.#proven === null ? { kind: 'absent' } : { kind: 'tag', tag: this.#proven }
    return await this.#conditionOver(upload, await this.#headOf(upload))
  }

  async #headOf(upload: ObjectUpload): Promise<ObjectHead | null> {
    const found = await this.#options.store.headObject(upload.key, upload.signal)
    if (found !== 'denied') return found
    throw new OccupiedKeyError(
      `HEAD ${upload.key} was refused, so that it is not known what would be overwritten. Grant the credentials s3:GetObject on the objects of this bucket, and s3:ListBucket on the bucket.`,
      { code: 'S3_DENIED' },
    )
  }

  /** Null: not before it is proved that the partition is held. */
  async #conditionOver(upload: ObjectUpload, found: ObjectHead | null): Promise<Condition | null> {
    const any: Condition = { kind: 'any' }
    if (found === null) return this.#conditions ? { kind: 'absent' } : any
    await this.#checkReplaceable(upload, found)
    if (found.tag !== this.#proven) {
      this.#seen = found.tag
      return null
    }
    return this.#conditions ? { kind: 'tag', tag: found.tag } : any
  }

  async #checkReplaceable(upload: ObjectUpload, found: ObjectHead): Promise<void> {
    const origin = originOf(found.mark, upload.mark)
    if (origin === 'another') throw otherTopic(upload, found.mark)
    if (isOtherRecord(found.mark, upload.mark)) throw otherRecords(upload, found.mark)
    if (origin === 'unknown' && !(await this.#isBeginningOf(upload, found))) throw unknownObject(upload.key)
  }

  /** Whether all that the object holds stands at the beginning of the new one. */
  async #isBeginningOf(upload: ObjectUpload, found: ObjectHead): Promise<boolean> {
    const own = await upload.whole()
    // Compressed by another program it may be somewhat longer.
    if (own === null || found.bytes > own.length * 2 + 1024) return false
    const theirs = await this.#options.store.getObject(upload.key, found, upload.signal)
    if (theirs === null) return false
    if (!upload.key.endsWith('.gz')) return own.subarray(0, theirs.length).equals(theirs)
    const lines = await unpack(own)
    try {
      const unpacked = await unpack(theirs, { maxOutputLength: Math.max(1, lines.length) })
      return lines.subarray(0, unpacked.length).equals(unpacked)
    } catch {
      return false
    }
  }
}

/** Whether two objects are of one topic. Objects of this sink's earlier versions, and those of other programs, do not say it. */
function originOf(theirs: ObjectMark | null, ours: ObjectMark): 'same' | 'another' | 'unknown' {
  if (theirs === null) return 'unknown'
  const differ = (a: string | null, b: string | null): boolean => a !== null && b !== null && a !== b
  if (differ(theirs.topicId, ours.topicId) || differ(theirs.clusterId, ours.clusterId)) return 'another'
  // A cluster without topic ids cannot tell its topics apart.
  if (theirs.topicId !== ours.topicId) return 'unknown'
  return theirs.topicId !== null || theirs.clusterId === ours.clusterId ? 'same' : 'unknown'
}

/** Whether both begin at one offset with different records: the log was replaced by an older copy, and has grown again. */
function isOtherRecord(theirs: ObjectMark | null, { first }: ObjectMark): boolean {
  const other = theirs?.first ?? null
  return first !== null && other !== null && first.offset === other.offset && first.timestamp !== other.timestamp
}

function otherTopic({ key, mark }: ObjectUpload, theirs: ObjectMark | null): OccupiedKeyError {
  const placeOf = (of: ObjectMark | null): string =>
    `topic id ${of?.topicId ?? 'none'} in cluster ${of?.clusterId ?? 'none'}`
  return new OccupiedKeyError(
    `${key} is there, and holds records of another topic of this name (${placeOf(theirs)}; this task reads ${placeOf(mark)}): the topic was deleted and created again, or belongs to another cluster. Nothing was overwritten. Set topics.dir of the connector to a folder of its own, or move the old objects away and restart the task.`,
    { code: 'S3_OTHER_TOPIC' },
  )
}

function otherRecords({ key, mark }: ObjectUpload, theirs: ObjectMark | null): OccupiedKeyError {
  return new OccupiedKeyError(
    `${key} is there, and its first record has the timestamp ${theirs?.first?.timestamp}, where the topic now has ${mark.first?.timestamp} at the same offset: the log was restored from a backup, or lost its end, and has been written to since. Nothing was overwritten: the object may hold the only copy of its records. Set topics.dir of the connector to a folder of its own, or move this object and those behind it away and restart the task.`,
    { code: 'S3_OTHER_RECORDS' },
  )
}

function unknownObject(key: string): OccupiedKeyError {
  return new OccupiedKeyError(
    `${key} is there, does not say which topic its records are from, and is not the beginning of what belongs there now. Nothing was overwritten. If a connector was stopped after it wrote this object and before it committed its offsets, delete the object and restart the task: its records are read again. Otherwise set topics.dir of the connector to a folder of its own.`,
    { code: 'S3_UNKNOWN_OBJECT' },
  )
}
