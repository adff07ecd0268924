import { describe, expect, it } from 'vitest'

import { freePorts } from '../../../src/servers/process/port.ts'
import { workerAddresses } from '../../support/documents/addresses.ts'
import { commandBlocks, substitute } from '../../support/documents/command-blocks.ts'
import { guideRuns } from '../../support/documents/guide-run.ts'
import { describeWith } from '../../support/services.ts'
import { patienceMs } from '../../support/until.ts'
import { written } from '../../support/worker/program.ts'

const run = guideRuns()

describeWith(['kcat'], 'a machine with other users', () => {
  it('runs as the guide says', async () => {
    const worker = await workerAddresses()
    const outputs = await run().follow('docs/guides/shared-host.md', worker.written, `${worker.rest}/health`)
    for (const output of outputs) expect(output).toMatch(/\S/)
    expect((await fetch(`${worker.rest}/connectors`)).status).toBe(401)
  })
})

describe('the schema registry', () => {
  it('works as the guide says', async () => {
    const worker = await workerAddresses()
    const outputs = await run().follow('docs/guides/schema-registry.md', worker.written, `${worker.rest}/health`)
    const [registered, protobuf, checked] = outputs
    expect(registered).toMatch(/^\{"id":1,"version":1,.*\n\[1\]$/)
    expect(protobuf).toMatch(/^\{"id":2,.*"PROTOBUF".*\n\{"id":3,.*"references":\[\{"name":"line.proto"/)
    expect(checked).toMatch(
      /^\{"is_compatible":false,"messages":\["\{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE'.*\n/,
    )
    expect(checked).toMatch(/\{"compatibility":"FULL_TRANSITIVE"\}$/)
  })
})

describeWith(['kcat'], 'records that fail', () => {
  it('are skipped and kept as the guide says', async () => {
    const worker = await workerAddresses()
    const outputs = await run().follow('docs/guides/errors.md', worker.written, `${worker.rest}/health`)
    const [, kept, status, causes, replayed] = outputs
    expect(kept).toMatch(/^\{id=1\}\n\{id=2\}\nno JSON\n__connect\.errors\.topic=orders,/)
    expect(kept).toContain('__connect.errors.stage=VALUE_CONVERTER,')
    expect(status).toContain('1 record was sent to the dead letter queue orders-dlq')
    expect(JSON.parse(causes ?? '')).toMatchObject({
      topic: 'orders-dlq',
      causes: [
        { stage: 'VALUE_CONVERTER', count: 1, example: { record: { topic: 'orders', partition: 0, offset: 1 } } },
      ],
      read: { records: 1, own: 1, complete: true },
    })
    expect(replayed).toContain('1 record is delivered again when the connector is resumed')
    expect(replayed).toContain('{id=1}\n{id=2}\nno JSON\n')
    expect(replayed).toContain('"replayed":1')
  })
})

describe('users and roles', () => {
  it('work as the guide says', async () => {
    const worker = await workerAddresses()
    const outputs = await run().follow('docs/guides/users.md', worker.written, `${worker.rest}/health`)
    const [file, allowed, refused, changed, levels] = outputs
    expect(file).toMatch(
      /alice\.password=\$scrypt\$ln=14,r=8,p=5\$.*\n.*\nbob\.password=\$scrypt\$.*\n.*\n.*\nci\.token=\$sha256\$/,
    )
    expect(allowed).toMatch(/^\["root"\]\n\[\]\n$/)
    expect(refused).toMatch(/needs the role operate; the user \\"ci\\" has the role read.*\n.*"bob\\" has no access/)
    expect(changed).toContain('Unknown connector orders-sink')
    expect(levels).toBe('["root"]\n["connect.audit"]\n')
  })
})

describe('a worker with https', () => {
  it('runs as the guide says', async () => {
    const [restPort, brokerPort] = await freePorts([null, null])
    const addresses = {
      '127.0.0.1:8443': `127.0.0.1:${restPort}`,
      'bin/penstock.js worker': `bin/penstock.js worker --set embedded.broker.listener=127.0.0.1:${brokerPort}`,
    }
    const outputs: string[] = []
    for (const { text, background } of commandBlocks('docs/guides/https.md')) {
      const script = substitute(text, addresses)
      // Its certificate is signed by an authority that this process does not trust.
      if (background) await written(run().begin(script.trim()), /ready: REST https/, patienceMs)
      else outputs.push(await run().run(script))
    }
    expect(outputs.join('\n')).toContain('"version":"3.9.1"')
  })
})
