import type { PlainMap } from '../../api/schema.ts'
import type { LabelledSample } from '../../foundation/metrics/meters.ts'
import type { RestContext } from '../route.ts'

/** The worker that responds: its version, what it uses, and its conditions. */
export function workerJson(
  { herder, worker, conditions = () => [] }: RestContext,
  samples: readonly LabelledSample[],
): PlainMap {
  const { kafkaClusterId } = herder.serverInfo()
  const build = samples.find(({ sample }) => sample.name === 'build_info')?.labels ?? {}
  return {
    id: worker.id,
    version: build['version'] ?? null,
    node: build['node'] ?? null,
    kafka_cluster_id: kafkaClusterId,
    started: valueOf(samples, 'process_start_time_seconds'),
    memory_bytes: valueOf(samples, 'process_resident_memory_bytes'),
    cpu_seconds: valueOf(samples, 'process_cpu_seconds_total'),
    task_threads: valueOf(samples, 'task_threads'),
    conditions: [...conditions()],
  }
}

/** Of a metric without siblings; null when it is not measured. */
function valueOf(samples: readonly LabelledSample[], name: string): number | null {
  const found = samples.find(({ sample }) => sample.name === name)?.sample
  return found === undefined || found.kind === 'histogram' ? null : found.value
}
