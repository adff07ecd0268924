import type { RawConfig } from '../../api/config-def.ts'
import type { SinkPlace } from '../../api/connector.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { sinkGroupId } from '../../config/connector/connector-problems.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { PluginThreads } from '../../runtime/plugin-threads.ts'
import type { WorkerConverters } from '../../runtime/task-settings.ts'
import type { RecordInBytes } from '../../runtime/plugin-thread/records/readable-record.ts'
import type { SinkStage } from '../entities/topic-info.ts'

export interface SinkStagesOptions {
  readonly client: { readonly admin: Pick<KafkaClient['admin'], 'groupOffsets'> }
  readonly plugins: Pick<PluginThreads, 'locateRecord'>
  readonly worker: WorkerConverters
  readonly topic: string
  readonly record: RecordInBytes
  readonly signal: AbortSignal
}

/** How far a sink is with a record, and where it is in its target. What cannot be found out is in the note. */
export async function sinkStage(
  { name, config }: { readonly name: string; readonly config: RawConfig },
  options: SinkStagesOptions,
): Promise<SinkStage> {
  const { client, topic, record, signal } = options
  const notes: string[] = []
  const settled = async <T>(question: Promise<T>): Promise<T | null> => {
    try {
      return await question
    } catch (error) {
      signal.throwIfAborted()
      notes.push(errorMessage(error))
      return null
    }
  }
  const [offsets, place] = await Promise.all([
    settled(client.admin.groupOffsets(sinkGroupId(name, config), { signal })),
    settled(placeOf(config, options)),
  ])
  const found = offsets?.find((each) => each.topic === topic && each.partition === record.partition)
  const committed = found?.offset ?? null
  if (place?.isKnown === false) notes.push('The plugin does not say where a record is')
  return {
    connector: name,
    committed,
    isCommitted: committed !== null && committed > record.offset,
    place: place?.place ?? null,
    note: notes.length === 0 ? null : notes.join('. '),
  }
}

async function placeOf(
  config: RawConfig,
  { plugins, worker, topic, record }: SinkStagesOptions,
): Promise<{ readonly isKnown: boolean; readonly place: SinkPlace | null }> {
  return await plugins.locateRecord({ topic, config, worker, record })
}
