import { primitive, RetriableError, struct } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const valueSchema = struct([['at', primitive('INT64', { name: 'io.debezium.time.Timestamp' })]])

let topic: string
let log: MemoryLog
let faults: HttpFaults
let run = 0

function rows(...keys: string[]): void {
  for (const key of keys) log.append({ topic, key, valueSchema, value: [1_700_000_000_000] })
}

async function started(more: Record<string, string> = {}): Promise<SinkTaskHarness> {
  const config = { name: 'search', topics: topic, 'connection.url': faults.url, 'retry.backoff.ms': '5', ...more }
  const task = new SinkTaskHarness(plugin, config, log)
  await task.start()
  return task
}

const committed = (): number | undefined => log.committed.get(`${topic}-0`)

describeWith(['elasticsearch'], 'an index that is replaced under a running sink', () => {
  const client = (): ElasticsearchClient => new ElasticsearchClient(service('elasticsearch'))
  const documents = async (): Promise<string[]> => [...(await client().documents(topic)).keys()].sort()
  const uuid = async (index = topic): Promise<string> => {
    const all = (await client().json('GET', `/${index}/_settings`)) as Record<
      string,
      { settings: { index: { uuid: string } } }
    >
    return all[index]?.settings.index.uuid ?? ''
  }
  const alias = (...actions: Record<string, unknown>[]): Promise<unknown> =>
    client().json('POST', '/_aliases', { actions })

  beforeEach(async () => {
    run += 1
    topic = `again-${process.pid}-${Date.now().toString(36)}-${run}`
    log = new MemoryLog()
    faults = await HttpFaults.before(service('elasticsearch'))
  })
  afterEach(async () => {
    await faults.close()
    await fetch(`${service('elasticsearch')}/${topic}*`, { method: 'DELETE' })
  })

  /** A sink that has written and committed two rows. */
  async function running(more: Record<string, string> = {}): Promise<SinkTaskHarness> {
    rows('1', '2')
    const task = await started(more)
    await task.deliverAll()
    expect(committed()).toBe(2)
    return task
  }

  it('fails the task at the first write for which Elasticsearch creates a new index, before offsets are committed', async () => {
    const task = await running()
    const before = await uuid()
    await client().json('DELETE', `/${topic}`)
    rows('3')
    await task.deliver()
    await expect(task.runUntil('it stops', () => false)).rejects.toThrow('ES_INDEX_RECREATED')
    expect(task.raised?.message).toContain(
      `'${topic}' was index '${topic}' with uuid ${before} and the name leads to index '${topic}' with uuid ${await uuid()}`,
    )
    expect(task.raised?.message).toContain('DELETE /connectors/search/offsets')
    await expect(task.commit()).rejects.toThrow('ES_INDEX_RECREATED')
    await task.crash()
    expect(committed()).toBe(2)
  })

  it('continues after a restart with the index that exists then, and from the start where the offsets were reset', async () => {
    const task = await running()
    await client().json('DELETE', `/${topic}`)
    rows('3')
    await task.deliver()
    await expect(task.runUntil('it stops', () => false)).rejects.toThrow('ES_INDEX_RECREATED')
    await task.crash()
    const accepting = await started()
    await accepting.deliverAll()
    await accepting.finish()
    expect([await documents(), committed()]).toEqual([['3'], 3])
    await client().json('DELETE', `/${topic}`)
    log.committed.clear()
    const again = await started()
    await again.deliverAll()
    await again.finish()
    expect(await documents()).toEqual(['1', '2', '3'])
    expect(await client().json('GET', `/${topic}/_mapping`)).toMatchObject({
      [topic]: { mappings: { properties: { at: { type: 'date' } } } },
    })
  })

  it('fails the task, and creates nothing, where Elasticsearch must not create it at a write', async () => {
    const task = await running()
    const before = await uuid()
    await client().json('PUT', '/_cluster/settings', { persistent: { 'action.auto_create_index': `-${topic},+*` } })
    try {
      await client().json('DELETE', `/${topic}`)
      rows('3')
      await task.deliver()
      await expect(task.runUntil('it stops', () => false)).rejects.toThrow(
        `ES_INDEX_RECREATED: '${topic}' was index '${topic}' with uuid ${before} and is gone`,
      )
      await task.crash()
      expect((await fetch(`${service('elasticsearch')}/${topic}`)).status).toBe(404)
      const accepting = await started()
      await accepting.deliverAll()
      await accepting.finish()
    } finally {
      await client().json('PUT', '/_cluster/settings', { persistent: { 'action.auto_create_index': null } })
    }
    expect([await documents(), committed()]).toEqual([['3'], 3])
  })

  it('fails the task at its next commit where another client has written to the new index first', async () => {
    const task = await running()
    await client().json('DELETE', `/${topic}`)
    await client().json('PUT', `/${topic}/_doc/other`, { by: 'another' })
    rows('3')
    await task.deliver()
    await expect(task.runUntil('it stops', async () => (await task.commit(), false))).rejects.toThrow(
      'ES_INDEX_RECREATED',
    )
    await task.crash()
    expect(committed()).toBe(2)
  })

  it.each([
    ['deleted', async () => void (await client().json('DELETE', `/${topic}`))],
    [
      'replaced by an alias of its name',
      async () => {
        await client().json('PUT', `/${topic}-v2`)
        await alias({ remove_index: { index: topic } }, { add: { index: `${topic}-v2`, alias: topic } })
      },
    ],
  ])('stops a task that has nothing to write: the index is %s', async (_name, act) => {
    const task = await running()
    await act()
    await expect(task.commit()).rejects.toThrow('ES_INDEX_RECREATED')
    expect(task.raised?.message).toContain('ES_INDEX_RECREATED')
    await task.crash()
  })

  it('fails the task when a column is to be added to an index that is gone', async () => {
    const task = await running()
    await client().json('DELETE', `/${topic}`)
    log.append({ topic, key: '3', valueSchema: struct([['n', primitive('INT32')]]), value: [1] })
    await expect(task.deliver()).rejects.toThrow(/ES_INDEX_RECREATED: .* and is gone/)
    await task.crash()
  })

  it('is not one that is closed and opened, or whose settings change', async () => {
    const task = await running()
    await client().json('POST', `/${topic}/_close`)
    await task.commit()
    await client().json('POST', `/${topic}/_open?wait_for_active_shards=1`)
    await client().json('PUT', `/${topic}/_settings`, { index: { refresh_interval: '5s' } })
    rows('3')
    await task.deliverAll()
    await task.finish()
    expect([await documents(), committed(), task.conditions]).toEqual([['1', '2', '3'], 3, new Map()])
  })

  it.each(['deletes come first', 'a row comes first'])(
    'is not one that did not exist: %s, without versions',
    async (name) => {
      if (name === 'a row comes first') rows('1')
      log.append({ topic, key: '1', value: null })
      const task = await started({ 'write.method': 'upsert' })
      await task.deliverAll()
      await task.finish()
      expect([await documents(), committed()]).toEqual([[], log.records.get(`${topic}-0`)?.length])
    },
  )

  it('is checked before each commit: while Elasticsearch does not respond, nothing is committed and the status says so (I1)', async () => {
    const task = await running()
    const status = 503
    faults.decide = (method, path) =>
      method === 'GET' && path.includes('_settings') ? { kind: 'answer', status } : { kind: 'pass' }
    rows('3')
    await task.deliver()
    await task.runUntil('it is written', async () => (await client().count(topic)) === 3)
    for (const _ of [1, 2, 3]) await expect(task.commit()).rejects.toThrow(RetriableError)
    expect(committed()).toBe(2)
    expect(task.conditions.get('ES_UNAVAILABLE')).toMatch(/offsets are not committed meanwhile: HTTP 503/)
    faults.decide = () => ({ kind: 'pass' })
    await task.commit()
    expect([committed(), task.conditions]).toEqual([3, new Map()])
    faults.decide = () => ({ kind: 'drop' })
    await task.commit()
    await task.crash()
  })

  it('is not checked without the privilege, and the status says so until it is granted', async () => {
    const error = { type: 'security_exception', reason: 'unauthorized' }
    faults.decide = (method, path) =>
      method === 'GET' && path.includes('_settings')
        ? { kind: 'answer', status: 403, body: JSON.stringify({ error, status: 403 }) }
        : { kind: 'pass' }
    const task = await running()
    expect(task.conditions.get('ES_INDEX_UNWATCHED')).toContain(`'${topic}'`)
    faults.decide = () => ({ kind: 'pass' })
    await task.commit()
    expect(task.conditions).toEqual(new Map())
    await client().json('DELETE', `/${topic}`)
    await expect(task.commit()).rejects.toThrow('ES_INDEX_RECREATED')
    await task.crash()
  })

  it('is found among more indices than fit into one request', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `${topic}-${String(n).padStart(3, '0')}-${'x'.repeat(180)}`)
    for (const name of names) log.append({ topic: name, key: '1', value: { a: 1 } })
    const task = await started()
    await task.deliverAll()
    faults.seen.length = 0
    await task.commit()
    expect(faults.seen.length).toBeLessThan(5)
    await client().json('DELETE', `/${names[17]}`)
    await expect(task.commit()).rejects.toThrow(`ES_INDEX_RECREATED: '${names[17]}'`)
    await task.crash()
  }, 120_000)

  const throughAlias = (): Record<string, string> => ({
    'external.resource.usage': 'alias_index',
    'topic.to.external.resource.mapping': `${topic}:${topic}-alias`,
  })

  it('is detected behind an alias that moves to another index; the task waits while the alias is gone', async () => {
    for (const n of [1, 2]) await client().json('PUT', `/${topic}-${n}`)
    const is = (n: number) => ({ index: `${topic}-${n}`, alias: `${topic}-alias` })
    await alias({ add: is(1) })
    const task = await running(throughAlias())
    const before = await uuid(`${topic}-1`)
    await alias({ remove: is(1) })
    rows('3')
    await task.deliver()
    await task.runUntil('it waits', () => task.conditions.has('ES_INDEX_MISSING'))
    expect(task.conditions.get('ES_INDEX_MISSING')).toMatch(
      /record .*-0@2, document '3' of index .*-alias.* since|since .*-0@2/,
    )
    await expect(task.commit()).rejects.toThrow(RetriableError)
    await alias({ add: is(1) })
    await task.deliverAll()
    expect([committed(), task.conditions]).toEqual([3, new Map()])
    await alias({ remove: is(1) }, { add: is(2) })
    await expect(task.commit()).rejects.toThrow(
      `ES_INDEX_RECREATED: '${topic}-alias' was index '${topic}-1' with uuid ${before} and the name leads to index '${topic}-2'`,
    )
    await task.crash()
  })

  it('is not one that an alias rolls over to, nor one that retention removes behind it', async () => {
    const name = (n: number): string => `${topic}-00000${n}`
    await client().json('PUT', `/${name(1)}`, { aliases: { [`${topic}-alias`]: { is_write_index: true } } })
    const task = await running(throughAlias())
    for (const n of [2, 3, 4]) {
      await client().json('POST', `/${topic}-alias/_rollover`)
      rows(String(n + 1))
      await task.deliverAll()
      if (n > 2) await client().json('DELETE', `/${name(n - 2)}`)
      await task.commit()
    }
    await task.finish()
    expect([committed(), task.conditions]).toEqual([5, new Map()])
    expect([...(await client().documents(name(4))).keys()]).toEqual(['5'])
  })
})
