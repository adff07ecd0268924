import { describe, expect, it } from 'vitest'

import { freePort } from '../../../src/servers/process/port.ts'
import { workerAddresses } from '../../support/documents/addresses.ts'
import { guideRuns } from '../../support/documents/guide-run.ts'
import { describeWith } from '../../support/services.ts'

const run = guideRuns()

describe('a worker as a service', () => {
  it('is watched, copied and upgraded as the guide says', async () => {
    const worker = await workerAddresses()
    const outputs = await run().follow(
      'docs/guides/operating.md',
      worker.written,
      `${worker.rest}/health`,
      async (script) => {
        // The reader of the guide ends the worker before its directory is copied or removed.
        if (/^(?:tar|rm) /.test(script)) await run().endAll()
      },
    )
    const [health, alive, metrics, loggers, copied, connectors, removed] = outputs
    expect(health).toContain('"status":"healthy"')
    expect(alive).toBe('200\n')
    expect(metrics).toMatch(/^penstock_broker_disk_free_bytes(?:\{.*\})? \d+/)
    expect(loggers).toBe('["connect.herder"]\n')
    expect(Number(copied)).toBeGreaterThan(0)
    expect(connectors).toBe('[]\n')
    expect(removed).toBe('')
  })
})

describeWith(['kcat'], 'workers of a group', () => {
  it('share work and continue each other as the guide says', async () => {
    const [worker, second] = [await workerAddresses(), await freePort(null)]
    const addresses = {
      'http://127.0.0.1:8084': `http://127.0.0.1:${second}`,
      'http://127.0.0.1:8083': worker.rest,
      '127.0.0.1:9092': worker.broker,
    }
    const responds = (script: string): string | null => /http:\S+/.exec(script)?.[0] ?? null
    const outputs = await run().follow('docs/guides/several-workers.md', addresses, responds, async (script) => {
      if (script.includes('sort -u')) await run().endAll(`listeners=http://127.0.0.1:${second}`)
      if (script.startsWith('rm ')) await run().endAll()
    })
    const [, created, shared, left, written] = outputs
    expect(created).toBe('201\n201\n')
    expect(shared).toMatch(/^ +2 "worker_id":.*\n +2 "worker_id":.*\n$/)
    expect(left).toBe(`      4 "worker_id":"${new URL(worker.rest).host}"\n`)
    expect(written).toBe('2\n')
  })
})
