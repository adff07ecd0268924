import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import type { CommittedOffsets } from '../offsets/committed-offsets.ts'
import { decodeGroupValue, decodeKey, decodeOffsetValue } from '../coordinator-records.ts'
import type { StoredGroup } from './group-protocol.ts'
import type { Group } from './group.ts'
import type { StoredRecord } from '../offsets/offsets-topic.ts'

/**
 * Reads the stored groups and offsets.
 * @param into.obsolete receives the offsets of deleted topics, by group.
 * @returns the groups, by their ids.
 */
export function loadGroups(
  log: { load(visit: (record: StoredRecord) => void): void },
  isObsolete: (topic: string, partition: number, offset: number) => boolean,
  into: { readonly offsets: CommittedOffsets; readonly obsolete: Map<string, TopicPartition[]> },
): ReadonlyMap<string, StoredGroup> {
  const groups = new Map<string, StoredGroup>()
  log.load(({ key: keyBytes, value, ...place }) => {
    const key = decodeKey(keyBytes)
    if (key?.kind === 'group') {
      if (value === null) groups.delete(key.group)
      else groups.set(key.group, decodeGroupValue(value))
    } else if (key?.kind === 'offset') {
      const { group, topic, partition } = key
      const isGone = value !== null && isObsolete(topic, place.partition, place.offset)
      if (isGone) noteObsolete(into.obsolete, group, { topic, partition })
      if (value === null || isGone) into.offsets.remove(group, topic, partition)
      else into.offsets.set(group, topic, partition, decodeOffsetValue(value))
    }
  })
  return groups
}

function noteObsolete(obsolete: Map<string, TopicPartition[]>, group: string, offset: TopicPartition): void {
  const known = obsolete.get(group)
  if (known === undefined) obsolete.set(group, [offset])
  else known.push(offset)
}

/** Returns a group with new assignments in the form that is stored. */
export function storedForm(group: Group, assignments: ReadonlyMap<string, Buffer>): StoredGroup {
  return {
    protocolType: group.protocolType ?? '',
    generationId: group.generationId,
    protocolName: group.protocolName,
    leaderId: group.roster.leaderId,
    stateTimestampMs: group.stateTimestampMs,
    members: group.roster.all().map((member) => ({
      details: member.details,
      assignment: assignments.get(member.id) ?? Buffer.alloc(0),
    })),
  }
}
