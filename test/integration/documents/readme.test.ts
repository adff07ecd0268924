import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { freePorts } from '../../../src/servers/process/port.ts'
import { commandBlocks, substitute } from '../../support/documents/command-blocks.ts'
import { guideRuns, responds } from '../../support/documents/guide-run.ts'
import { describeWith, service } from '../../support/services.ts'
import { patienceMs } from '../../support/until.ts'
import { written } from '../../support/worker/program.ts'

const run = guideRuns()

describe('the broker alone', () => {
  it('starts as the README says', async () => {
    const [port] = await freePorts([null])
    const command = commandBlocks('README.md')[6]?.text.trim() ?? ''
    const broker = run().begin(substitute(command, { '127.0.0.1:9092': `127.0.0.1:${port}` }))
    await written(broker, new RegExp(`127\\.0\\.0\\.1:${port}`), patienceMs)
    broker.child.kill('SIGTERM')
    expect(await broker.ended).toBe(0)
  })
})

describeWith(['kafka'], 'a worker with the properties file of Kafka Connect', () => {
  it('starts as the README says', async () => {
    const [port] = await freePorts([null])
    const name = `doc-${process.pid}-${port}`
    const storage = ['config', 'offset', 'status'].map(
      (what) => `${what}.storage.topic=${name}-${what}\n${what}.storage.replication.factor=1\n`,
    )
    const converters = ['key', 'value'].map((what) => `${what}.converter=org.apache.kafka.connect.json.JsonConverter\n`)
    const properties = `bootstrap.servers=${service('kafka')}\ngroup.id=${name}\nlisteners=http://127.0.0.1:${port}\n`
    const file = join(run().directory, 'connect-distributed.properties')
    writeFileSync(file, properties + [...storage, ...converters].join(''))
    const worker = run().begin(commandBlocks('README.md')[4]?.text.trim() ?? '')
    await responds(`http://127.0.0.1:${port}/connectors`)
    worker.child.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
  })
})
