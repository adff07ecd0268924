import { afterEach, beforeEach, expect, it } from 'vitest'

import { SinkBed } from '../../support/elasticsearch/sink-bed.ts'
import { describeWith, service } from '../../support/services.ts'

const isBulk = (method: string, path: string): boolean => method === 'POST' && path.startsWith('/_bulk')
const tooLarge = { kind: 'answer', status: 413, body: '<html>413 Request Entity Too Large</html>' } as const

describeWith(['elasticsearch'], 'the pace of the Elasticsearch sink', () => {
  let bed: SinkBed
  beforeEach(async () => {
    bed = await SinkBed.open(service('elasticsearch'))
  })
  afterEach(async () => await bed.close())

  function append(count: number): void {
    for (let i = 0; i < count; i++) bed.log.append({ topic: bed.topic, key: `${i}`, value: { text: 'x'.repeat(50) } })
  }

  it('splits a request that is too large, and sends no other of that size', async () => {
    const sizes: number[] = []
    bed.faults.decide = (method, path, bytes) => {
      if (!isBulk(method, path) || bytes <= 20_000) return { kind: 'pass' }
      sizes.push(bytes)
      return tooLarge
    }
    append(1000)
    const task = await bed.sink()
    await task.deliverAll()
    expect(await bed.client.count(bed.topic)).toBe(1000)
    expect(sizes.length).toBeGreaterThan(0)
    const before = sizes.length
    append(1000)
    await task.deliverAll()
    await task.finish()
    expect(sizes.length).toBe(before)
    expect(bed.log.committed.get(`${bed.topic}-0`)).toBe(2000)
  })

  it('treats one document that no request can hold like a document that does not fit its index', async () => {
    bed.faults.decide = (method, path, bytes) => (isBulk(method, path) && bytes > 2000 ? tooLarge : { kind: 'pass' })
    const { topic, log } = bed
    log.append({ topic, key: 'large', value: { text: 'x'.repeat(3000) } })
    append(1)
    const failing = await bed.sink()
    await expect(failing.deliverAll()).rejects.toThrow(/ES_MALFORMED.*document 'large'.*HTTP 413/)
    await failing.crash()
    const skipping = await bed.deliver({ 'behavior.on.malformed.documents': 'warn' })
    expect(skipping.logger.lines.join('\n')).toMatch(/document 'large' of index .*HTTP 413/)
    expect((await bed.documents()).map(([id]) => id)).toEqual(['0'])
  })

  it('sends fewer and smaller requests while Elasticsearch is overloaded, and its full pace afterwards', async () => {
    const config = { 'batch.size': '50', 'max.in.flight.requests': '4' }
    append(400)
    const task = await bed.sink(config)
    const limits = (): readonly (number | undefined)[] => [
      task.counters.get('elasticsearch_requests_limit'),
      task.counters.get('elasticsearch_request_operations_limit'),
    ]
    expect(limits()).toEqual([4, 50])
    const seen: string[] = []
    let left = 8
    bed.faults.decide = (method, path) => {
      if (!isBulk(method, path)) return { kind: 'pass' }
      seen.push(limits().join())
      left -= 1
      return left < 0 ? { kind: 'pass' } : { kind: 'answer', status: 429, body: '{"error":"busy","status":429}' }
    }
    await task.deliverAll()
    expect(await bed.client.count(bed.topic)).toBe(400)
    expect(seen).toContain('2,50')
    expect(seen).toContain('1,50')
    expect(seen).toContain('1,25')
    append(3000)
    await task.deliverAll()
    await task.finish()
    expect(limits()).toEqual([4, 50])
  })

  it('sends smaller requests after one that timed out', async () => {
    append(100)
    const task = await bed.sink({
      'batch.size': '100',
      'max.in.flight.requests': '1',
      'read.timeout.ms': '300',
      'connection.timeout.ms': '0',
    })
    let hung = 0
    const operations: number[] = []
    bed.faults.decide = (method, path, bytes) => {
      if (!isBulk(method, path)) return { kind: 'pass' }
      operations.push(bytes)
      hung += 1
      return hung <= 2 ? { kind: 'hang' } : { kind: 'pass' }
    }
    await task.deliverAll()
    await task.finish()
    expect(await bed.client.count(bed.topic)).toBe(100)
    expect(operations[2]).toBeLessThan((operations[0] ?? 0) / 3)
  })
})
