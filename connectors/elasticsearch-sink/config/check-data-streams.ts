import type { ParsedConfig, RawConfig } from 'penstock/api'
import type { AddProblem } from './add-problem.ts'
import { Key } from './key.ts'
import type { SinkSettings } from './settings.ts'

/** Confluent's rules for data streams. */
export function dataStreams(config: ParsedConfig, raw: RawConfig, settings: SinkSettings, add: AddProblem): void {
  const hasType = String(config[Key.streamType]).toLowerCase() !== 'none'
  const hasDataset = config[Key.streamDataset] !== ''
  if (hasType !== hasDataset)
    add([Key.streamType, Key.streamDataset], `'${Key.streamType}' and '${Key.streamDataset}' must be set together.`)
  if (settings.externalResources !== null && (hasType || hasDataset))
    add(
      [Key.externalMapping, Key.streamType, Key.streamDataset],
      `'${Key.externalMapping}' can not be set with '${Key.streamType}' or '${Key.streamDataset}'. Use '${Key.externalUsage}=datastream' for a data stream that exists.`,
    )
  if (!settings.appendOnly) {
    if (settings.timestampFields.length > 0)
      add([Key.streamTimestamp], `'${Key.streamTimestamp}' is for data streams, and records go to an index.`)
    return
  }
  if (settings.writeMethod === 'upsert')
    add([Key.writeMethod], `'${Key.writeMethod}=upsert' is not possible with data streams: they replace no document.`)
  if (raw[Key.nullValues]?.trim().toLowerCase() === 'delete')
    add([Key.nullValues], `'${Key.nullValues}=delete' is not possible with data streams: they keep their documents.`)
}
