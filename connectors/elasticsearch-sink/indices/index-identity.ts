import { ConnectError } from 'penstock/api'

/** What a name leads to: one index, or those of an alias. A uuid is never given to another index. */
export interface Identity {
  /** By uuid the index of it. */
  readonly indices: ReadonlyMap<string, string>
  /** The uuid of the one that takes the writes; null where an alias has none. */
  readonly write: string | null
}

/**
 * Whether what was written under a name is still there. A rollover adds an index and moves the writes to it; retention
 * removes older ones. Neither takes away the index that took the last writes.
 */
export function continues(before: Identity, now: Identity): boolean {
  return before.write === null || now.indices.has(before.write)
}

/** The documents of a name are not there any more. @param now null where the name leads nowhere. */
export function recreatedError(name: string, before: Identity, now: Identity | null, connector: string): ConnectError {
  const wrote = before.write === null ? textOf(before) : placeOf(before, before.write)
  const state =
    now === null
      ? 'and is gone'
      : `and the name leads to ${textOf(now)}: it was deleted and created again, or the name was given to another index. Where nobody created it, Elasticsearch did at the next write, with a guessed mapping`
  return new ConnectError(
    `'${name}' was ${wrote} ${state}. What was indexed before is not there; offsets that were not committed before are not committed. ` +
      `To index everything again: stop the connector (PUT /connectors/${connector}/stop), delete the index if it is a guessed one, reset the offsets ` +
      `(DELETE /connectors/${connector}/offsets) and resume it (PUT /connectors/${connector}/resume). To continue with what is there now, restart the task`,
    { code: 'ES_INDEX_RECREATED' },
  )
}

function textOf({ indices, write }: Identity): string {
  const [first] = indices.keys()
  const uuid = write ?? first
  return uuid === undefined ? 'no index' : placeOf({ indices }, uuid)
}

function placeOf({ indices }: Pick<Identity, 'indices'>, uuid: string): string {
  return `index '${indices.get(uuid) ?? ''}' with uuid ${uuid}`
}
