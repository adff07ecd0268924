import { ConnectError } from 'penstock/api'

/** The indices behind a name: one index, or those of an alias. A uuid is never reused. */
export interface Identity {
  /** The names of the indices by uuid. */
  readonly indices: ReadonlyMap<string, string>
  /** The uuid of the index that writes go to; null where an alias has none. */
  readonly write: string | null
}

/**
 * Returns whether documents that were written under a name are still there. A rollover adds an index and moves the writes to it;
 * retention removes older ones. Neither removes the index of the last writes.
 */
export function continues(before: Identity, now: Identity): boolean {
  return before.write === null || now.indices.has(before.write)
}

/** The documents written under a name are gone. @param now null where the name does not exist. */
export function recreatedError(name: string, before: Identity, now: Identity | null, connector: string): ConnectError {
  const wrote = before.write === null ? textOf(before) : placeOf(before, before.write)
  const state =
    now === null
      ? 'and is gone'
      : `and the name leads to ${textOf(now)}: it was deleted and created again, or the name was given to another index. If no user created it, Elasticsearch did at the next write, with a guessed mapping`
  return new ConnectError(
    `'${name}' was ${wrote} ${state}. Earlier documents are missing; the sink commits no further offsets. ` +
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
