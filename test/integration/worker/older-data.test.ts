import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'

import { describeWith, service } from '../../support/services.ts'
import { until, untilPasses } from '../../support/until.ts'
import { dataContents, type DataContents } from '../../support/worker/data-contents.ts'
import {
  compacting,
  fillDataDirectory,
  notCompacting,
  recordedTopics,
  recordingSettings,
} from '../../support/worker/data-recording.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import { workerPlace } from '../../support/worker/worker-process.ts'

/** Data directories of workers that were killed, by the version that wrote them, and what those said of them. */
const recordings = join(import.meta.dirname, '../../golden/data-directory')
const archives = new Set(readdirSync(recordings).filter((name) => name.endsWith('.tgz')))
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
  version: string
}

// UPDATE_DATA_DIRECTORY=1 records the present version. A recording of an earlier one stays as it is.
describeWith(['kcat'], 'a data directory', () => {
  const workers = testWorkers()

  const record = async (): Promise<void> => {
    const worker = await workers.start({ ...recordingSettings, ...compacting }, { FILES: workers.directory })
    await fillDataDirectory(worker)
    let contents = await dataContents(service('kcat'), worker, recordedTopics)
    await until('the compacted topic is compacted', async () => {
      contents = await dataContents(service('kcat'), worker, recordedTopics)
      return (contents.records['compacted']?.length ?? 40) < 20
    })
    await worker.kill()
    writeFileSync(join(recordings, `${version}.json`), `${JSON.stringify(contents, null, 2)}\n`)
    tar('-czf', join(recordings, `${version}.tgz`), '--exclude=reserve', '-C', workers.directory, 'data')
  }
  // Otherwise there is no test, instead of one that is skipped and counted.
  if (process.env['UPDATE_DATA_DIRECTORY'] === '1') it('is recorded', record)

  describe.each([...archives.add(`${version}.tgz`)])('%s', (archive) => {
    it('is opened with everything in it, and its connectors continue', async () => {
      const missing = `${archive} is not recorded: UPDATE_DATA_DIRECTORY=1 npx vitest run test/integration/worker/older-data`
      expect(existsSync(join(recordings, archive)), missing).toBe(true)
      const recorded = JSON.parse(
        readFileSync(join(recordings, archive.replace(/tgz$/, 'json')), 'utf8'),
      ) as DataContents
      tar('-xzf', join(recordings, archive), '-C', workers.directory)
      const place = await workerPlace(join(workers.directory, 'data'))
      const worker = await workers.startAt(
        place,
        { ...recordingSettings, ...notCompacting },
        { FILES: workers.directory },
      )
      await untilPasses(async () =>
        expect(await dataContents(service('kcat'), worker, recordedTopics)).toEqual(recorded),
      )
      const producer = new kafkajs.Kafka({ brokers: [place.broker], logLevel: kafkajs.logLevel.NOTHING }).producer()
      await producer.connect()
      await producer.send({ topic: 'lines', messages: [{ value: 'four' }] })
      await producer.disconnect()
      // The sink continues after the offset that it had committed: the three lines before it are not read again.
      await untilPasses(() => expect(readFileSync(join(workers.directory, 'out'), 'utf8')).toBe('four\n'))
      expect(await worker.failures()).toEqual([])
    })
  })
})

function tar(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('tar', args, { encoding: 'utf8' })
  if (status !== 0) throw new RangeError(`tar ${args.join(' ')}: ${stderr}`)
}
