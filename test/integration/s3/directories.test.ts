import { afterAll, beforeAll, expect, it } from 'vitest'

import { partitioners } from '../../../connectors/s3-sink/config/partitioner-options.ts'
import { plugin } from '../../../connectors/s3-sink/index.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const texts = [
  'ch',
  'Zürich ⚽',
  'a b',
  'a+b',
  '100%',
  '%2F',
  'a=b',
  'a/b',
  'a\\b',
  '?x#y',
  "it's",
  '"',
  '<&>',
  '~',
  '.',
  ' ',
  '',
]

describeWith(['versitygw'], 'directories in a store', () => {
  let bucket: S3Bucket
  beforeAll(async () => {
    bucket = await S3Bucket.create(service('versitygw'))
  })
  afterAll(async () => {
    await bucket.remove()
  })

  it('hold what they are named by, also after a replay', async () => {
    const log = new MemoryLog()
    for (const [n, text] of [...texts, ...texts].entries()) log.append({ topic: 'named', value: { text, n } })
    const config = bucket.config({
      'partitioner.class': partitioners.fields,
      'partition.field.name': 'text',
      'flush.size': String(log.records.get('named-0')?.length),
    })
    const first = new SinkTaskHarness(plugin, config, log)
    await first.start()
    await first.runUntil('the objects', () => log.committed.get('named-0') === texts.length * 2)
    await first.finish()
    // As if the process had been gone before the commit.
    log.committed.clear()
    const again = new SinkTaskHarness(plugin, config, log)
    await again.start()
    await again.runUntil('the objects again', () => log.committed.get('named-0') === texts.length * 2)
    await again.finish()
    const names = texts.map((text, n) => `topics/named/text=${text}/named+0+${String(n).padStart(10, '0')}.json`)
    const keys = await bucket.keys()
    expect(keys.toSorted()).toEqual(names.toSorted())
    for (const [n, name] of names.entries()) {
      const rows = (await bucket.text(name))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
      expect(rows).toEqual([n, n + texts.length].map((each) => ({ text: texts[n], n: each })))
    }
  })
})
