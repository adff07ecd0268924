import kafkajs from 'kafkajs'

import { runKcat } from '../broker/kcat-runner.ts'
import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { LogView } from '../log/log-view.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What a worker says of its data directory: the same before and after another version has opened it. */
export interface DataContents {
  /** Connectors by name, as GET /connectors?expand=info&expand=status has them, and their offsets. */
  readonly connectors: Readonly<Record<string, unknown>>
  /** Subjects of the schema registry, each with its versions, and its compatibility. */
  readonly subjects: Readonly<Record<string, unknown>>
  /** Records by topic, one text each: partition, offset, timestamp, key, headers, size, value. */
  readonly records: Readonly<Record<string, readonly string[]>>
  /** Settings of topics that are not defaults, by topic. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Committed offsets of groups: `group topic-partition offset`. */
  readonly committed: readonly string[]
}

/** Asks a worker, and its broker by Kafka clients that are not ours. */
export async function dataContents(
  kcat: string,
  worker: WorkerProcess,
  topics: readonly string[],
): Promise<DataContents> {
  const log = await LogView.open(worker.place.broker)
  try {
    const names = (await log.admin.listTopics()).filter((name) => topics.includes(name)).toSorted()
    const records: Record<string, readonly string[]> = {}
    for (const name of names) records[name] = await recordsOf(kcat, worker.place.broker, name)
    return {
      connectors: await connectorsOf(worker),
      subjects: await subjectsOf(worker),
      records,
      settings: await settingsOf(log, names),
      committed: await committedOf(log),
    }
  } finally {
    await log.close()
  }
}

async function connectorsOf(worker: WorkerProcess): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  const names = (await worker.request('GET', '/connectors')) as string[]
  for (const name of names.toSorted()) {
    const { state } = ((await worker.request('GET', `/connectors/${name}/status`)) as Status).connector
    const config = await worker.request('GET', `/connectors/${name}/config`)
    found[name] = { state, config, offsets: await worker.request('GET', `/connectors/${name}/offsets`) }
  }
  return found
}

interface Status {
  readonly connector: { readonly state: string }
}

async function subjectsOf(worker: WorkerProcess): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const subject of (await worker.request('GET', `${registryPrefix}/subjects`)) as string[]) {
    const versions = (await worker.request('GET', `${registryPrefix}/subjects/${subject}/versions`)) as number[]
    found[subject] = {
      versions: await Promise.all(
        versions.map((version) => worker.request('GET', `${registryPrefix}/subjects/${subject}/versions/${version}`)),
      ),
      compatibility: await worker.request('GET', `${registryPrefix}/config/${subject}?defaultToGlobal=true`),
    }
  }
  return found
}

async function settingsOf(log: LogView, topics: readonly string[]): Promise<Record<string, Record<string, string>>> {
  const resources = topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name }))
  const { resources: found } = await log.admin.describeConfigs({ resources, includeSynonyms: false })
  return Object.fromEntries(
    found.map(({ resourceName, configEntries }) => [
      resourceName,
      Object.fromEntries(
        configEntries
          .filter(({ isDefault }) => !isDefault)
          .map(({ configName, configValue }) => [configName, configValue]),
      ),
    ]),
  )
}

async function committedOf(log: LogView): Promise<string[]> {
  const { groups } = await log.admin.listGroups()
  const lines: string[] = []
  for (const { groupId } of groups) {
    for (const { topic, partitions } of await log.admin.fetchOffsets({ groupId })) {
      for (const { partition, offset } of partitions) lines.push(`${groupId} ${topic}-${partition} ${offset}`)
    }
  }
  return lines.toSorted()
}

/** Every record that a consumer with read_committed gets. */
async function recordsOf(kcat: string, broker: string, topic: string): Promise<string[]> {
  const format = '%p@%o %T key=%k headers=%h size=%S %s\\n'
  const { code, stdout, stderr } = await runKcat(kcat, ['-b', broker, '-C', '-t', topic, '-e', '-q', '-f', format])
  if (code !== 0) throw new RangeError(`kcat ended with ${String(code)} reading ${topic}: ${stderr}`)
  const lines = stdout.split('\n').filter((line) => line !== '')
  // Partitions come in any order, each in its own.
  return lines.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
}
