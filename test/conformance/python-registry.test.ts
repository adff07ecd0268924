import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { run } from '../../src/servers/process/command.ts'
import { pythonWith } from '../support/python-environment.ts'
import { workerPlace, WorkerProcess } from '../support/worker/worker-process.ts'

const version = '2.16.1'
const program = fileURLToPath(new URL('registry_calls.py', import.meta.url))

/** What Confluent's registry is documented to return: values, or parts of objects. */
const documented: Readonly<Record<string, unknown>> = {
  'register_schema items': 1,
  'register_schema items again': 1,
  'register_schema orders': 2,
  'register_schema_full_response orders': { id: 2 },
  'register_schema orders, incompatible': { error: 40901 },
  'register_schema customers': 3,
  'register_schema part': 4,
  'register_schema parts': 5,
  'register_schema parts, incompatible': { error: 40901 },
  'register_schema parts, invalid': { error: 42201 },
  'lookup_schema parts': { id: 5, version: 1, schemaType: 'PROTOBUF' },
  'get_schema parts, serialized': { schemaType: 'PROTOBUF', references: [{ name: 'part.proto' }] },
  'test_compatibility parts': false,
  'register_schema, invalid': { error: 42201 },
  get_schema: { schemaType: 'AVRO', references: [{ name: 'shop.Item', subject: 'items', version: 1 }] },
  'get_schema, unknown': { error: 40403 },
  get_subjects_by_schema_id: ['items'],
  get_subjects: ['customers', 'items', 'orders'],
  'get_subjects with a prefix': ['orders'],
  get_versions: [1],
  get_version: { id: 2, subject: 'orders', version: 1 },
  'get_version, unknown': { error: 40402 },
  get_latest_version: { id: 1, subject: 'items', version: 1 },
  'get_latest_version, unknown': { error: 40401 },
  get_referenced_by: [2],
  lookup_schema: { id: 2, version: 1 },
  'lookup_schema, unknown': { error: 40403 },
  test_compatibility: true,
  'test_compatibility, incompatible': false,
  test_compatibility_all_versions: false,
  get_compatibility: 'BACKWARD',
  'get_compatibility orders': 'FULL_TRANSITIVE',
  get_config: { compatibilityLevel: 'NONE' },
  'get_config, deleted': { error: 40408 },
  get_global_mode: 'READWRITE',
  get_mode: 'READONLY',
  'register_schema, read only': { error: 42205 },
  'delete_version, referenced': { error: 42206 },
  'delete_subject orders': [1],
  'delete_subject orders for good': [1],
  'delete_version items': 1,
  'get_subjects, deleted too': ['customers', 'items'],
  'get_subjects, deleted only': ['items'],
  'delete_subject items, twice': { error: 40404 },
  'avro through a topic': true,
  'json through a topic': true,
  'protobuf through a topic': true,
  'get_latest_version messages': { schemaType: 'PROTOBUF', references: [{ name: 'shop/line.proto' }] },
  'protobuf of the latest version': true,
}

describe("Confluent's client for Python", () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-python-'))
  let worker: WorkerProcess
  let python: string

  beforeAll(async () => {
    python = await pythonWith('confluent-kafka', version, ['schemaregistry', 'avro', 'json', 'protobuf'])
    worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')))
  })
  afterAll(async () => {
    await worker?.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  it('uses the registry, and its serializers read what they have written', async () => {
    const { rest, broker } = worker.place
    const output = await run(python, [program, `${rest}/schema-registry`, broker], {
      signal: AbortSignal.timeout(600_000),
    })
    const calls = new Map(
      output
        .trimEnd()
        .split('\n')
        .map((line) => {
          const [what = '', result = ''] = line.split('\t')
          return [what, JSON.parse(result) as unknown]
        }),
    )
    const lines = [...calls].map(([what, result]) => `${what}: ${JSON.stringify(result)}`)
    writeFileSync(
      new URL('results/python-registry.txt', import.meta.url),
      `confluent-kafka ${version}: ${calls.size} calls\n${lines.join('\n')}\n`,
    )
    for (const [what, result] of Object.entries(documented)) {
      if (Array.isArray(result) || typeof result !== 'object') expect(calls.get(what), what).toEqual(result)
      else expect(calls.get(what), what).toMatchObject(result as object)
    }
  })
})
