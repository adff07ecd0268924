import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { defaultBrokerConfig } from '../../../src/broker/settings/broker-config.ts'
import { apis } from '../../support/protocol/apis.ts'
import { BrokerHarness, fetchValue, produceOne, textBatch } from '../../support/broker/broker-harness.ts'
import { MemoryFileSystem } from '../../support/log/memory-file-system.ts'
import { until } from '../../support/until.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

it('a compaction that takes long holds up neither clients of its partition nor the retention of others', async () => {
  const fs = new MemoryFileSystem()
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-upkeep-'))
  cleanups.push(() => rmSync(dataDir, { recursive: true, force: true }))
  fs.makeDirectory(dataDir)
  const gate = Promise.withResolvers<void>()
  let isHeld = false
  fs.fault = ({ kind, path }) => {
    const isOutput = kind === 'sync' && path.endsWith('.cleaned')
    isHeld ||= isOutput
    fs.syncGate = isOutput ? gate.promise : null
    return null
  }
  const config = { ...defaultBrokerConfig, compactionCheckMs: 20, retentionCheckMs: 20, checkpointMs: 20 }
  const harness = await BrokerHarness.start({ fs, dataDir, config })
  cleanups.push(() => harness.close())
  cleanups.push(() => gate.resolve())
  const { topics } = harness.broker
  await topics.create('slow', 1, {
    'cleanup.policy': 'compact',
    'segment.bytes': '20000',
    'min.cleanable.dirty.ratio': '0',
  })
  await topics.create('other', 1, { 'retention.ms': '1', 'segment.bytes': '20000' })
  const client = await harness.connect()
  for (let i = 0; i < 8; i += 1) await produceOne(client, 'slow', textBatch([['key', `${i}`.padEnd(9000, '.')]]))
  await until('the compaction waits for the disk', () => isHeld)
  expect(await produceOne(client, 'slow', textBatch([['key', 'meanwhile']]))).toMatchObject({
    errorCode: 0,
    baseOffset: 8,
  })
  const { responses } = await client.call(apis.fetch, 11, fetchValue('slow', 8))
  expect(responses[0]?.partitions[0]?.records?.includes('meanwhile')).toBe(true)
  for (let i = 0; i < 8; i += 1) await produceOne(client, 'other', textBatch(['x'.repeat(9000)], { timestampMs: 1 }))
  await until('retention deletes', () => (topics.partition('other', 0)?.logStartOffset ?? 0) >= 8)
  // Rounds that begin later do so, too.
  for (let i = 0; i < 8; i += 1) await produceOne(client, 'other', textBatch(['x'.repeat(9000)], { timestampMs: 1 }))
  await until('retention deletes again', () => (topics.partition('other', 0)?.logStartOffset ?? 0) >= 16)
  gate.resolve()
  await until('the compaction ends', () => (topics.partition('slow', 0)?.sizeInBytes ?? Infinity) < 50_000)
})
