import { ConnectError, type RawConfig, type SourceOffsetChange } from 'penstock/api'

/**
 * Checks changes of the connector's offsets, with the messages of Kafka's connector. Any offset can be removed, so that those of
 * an earlier configuration can be. Whether the file is that long is checked when the task starts. Always returns true: there are no
 * other offsets.
 * @throws ConnectError
 */
export function checkOffsetChanges(config: RawConfig, changes: readonly SourceOffsetChange[]): true {
  if ((config['file'] ?? '').trim() === '') {
    throw new ConnectError(
      "Offsets cannot be modified if the 'file' configuration is unspecified. This is because stdin is used for input and offsets are not tracked.",
    )
  }
  for (const { partition, offset } of changes) {
    if (offset === null) continue
    const position = offset['position']
    if (position === undefined)
      throw new ConnectError("Offset objects should either be null or contain the key 'position'")
    if (typeof position !== 'number' || !Number.isSafeInteger(position)) {
      throw new ConnectError("The value for the 'position' key in the offset is expected to be a Long value")
    }
    if (position < 0) {
      throw new ConnectError("The value for the 'position' key in the offset should be a non-negative value")
    }
    if (!('filename' in partition)) throw new ConnectError("Partition objects should contain the key 'filename'")
  }
  return true
}
