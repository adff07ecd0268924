import { CommandError } from '../command/command-error.ts'
import type { ConnectorOffset } from '../rest-client/entities.ts'

/** The offset of a sink that `TOPIC:PARTITION=OFFSET` says; an empty OFFSET forgets it. @throws CommandError */
export function sinkOffset(text: string): ConnectorOffset {
  const [, topic, partition, offset] = /^(.+):(\d{1,9})=(\d{0,15})$/.exec(text) ?? []
  if (topic === undefined)
    throw new CommandError(`OFFSET is TOPIC:PARTITION=OFFSET, such as orders:0=1200, not "${text}"`)
  return {
    partition: { kafka_topic: topic, kafka_partition: Number(partition) },
    offset: offset === '' ? null : { kafka_offset: Number(offset) },
  }
}

/** The offsets in a text: a list, or an object with `offsets`. @throws CommandError that names the place */
export function parsedOffsets(text: string, place: string): readonly ConnectorOffset[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new CommandError(`${place} is not JSON.`)
  }
  const list: unknown = Array.isArray(value) ? value : (value as { readonly offsets?: unknown } | null)?.offsets
  if (!Array.isArray(list) || list.length === 0)
    throw new CommandError(`${place} has no offsets: what penstock offsets get --json prints is expected.`)
  for (const each of list as readonly unknown[]) {
    const { partition, offset } = (each ?? {}) as Partial<ConnectorOffset>
    if (typeof partition !== 'object' || typeof offset !== 'object')
      throw new CommandError(`${place}: each offset is {"partition": {…}, "offset": {…}}, or has the offset null.`)
  }
  return list as readonly ConnectorOffset[]
}
