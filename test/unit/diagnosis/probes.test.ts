import { describe, expect, it } from 'vitest'

import {
  blockFindings,
  diskFindings,
  healthFindings,
} from '../../../connectors/elasticsearch-sink/diagnosis/cluster-findings.ts'
import { slotFindings } from '../../../connectors/postgres-source/diagnosis/slot-findings.ts'
import type { SlotState } from '../../../connectors/postgres-source/diagnosis/slot-state.ts'
import { skewFindings } from '../../../connectors/s3-store/diagnosis/diagnose.ts'

const gigabyte = 1024 ** 3
const state: SlotState = {
  active: true,
  retained: 1024,
  walStatus: 'reserved',
  budget: null,
  walPerSecond: null,
  reader: null,
  holder: null,
}
const holder = { pid: 812, user: 'app', state: 'idle in transaction', seconds: 42 * 60 }

describe('a slot', () => {
  it('that advances is no finding, although a transaction is open', () => {
    expect(slotFindings('shop', state)).toEqual([])
    expect(slotFindings('shop', { ...state, holder: { ...holder, seconds: 30 } })).toEqual([])
    expect(
      slotFindings('shop', { ...state, reader: { pid: 7, application: 'Penstock Streaming', user: 'u' } }),
    ).toEqual([])
  })

  it('that a transaction holds back names it, the WAL against its budget, and when that is full', () => {
    const held = {
      ...state,
      holder,
      retained: 3.1 * gigabyte,
      budget: 8 * gigabyte,
      walPerSecond: (4.9 * gigabyte) / (71 * 60),
    }
    expect(slotFindings('shop', held)).toMatchObject([
      {
        code: 'PG_SLOT_HELD_BACK',
        severity: 'warning',
        cause: 'slot shop is held back by pid 812, idle in transaction for 42 min; 3.1 GB of 8.0 GB; full in 71 min',
        evidence: { pid: 812, transaction_seconds: 2520, seconds_left: 4260 },
        commands: ['SELECT pg_terminate_backend(812);'],
      },
    ])
  })

  it('near its budget warns, and that of no reader too', () => {
    expect(slotFindings('shop', { ...state, retained: 6 * gigabyte, budget: 8 * gigabyte })).toMatchObject([
      {
        code: 'PG_WAL_BUDGET',
        commands: ["ALTER SYSTEM SET max_slot_wal_keep_size = '16384MB';", 'SELECT pg_reload_conf();'],
      },
    ])
    expect(slotFindings('shop', { ...state, active: false, retained: gigabyte })).toMatchObject([
      { code: 'PG_SLOT_IDLE' },
    ])
    expect(slotFindings('shop', { ...state, active: false })).toEqual([])
  })

  it('that is lost, or that another program reads, is an error', () => {
    expect(slotFindings('shop', { ...state, walStatus: 'lost' })).toMatchObject([
      { code: 'PG_SLOT_LOST', severity: 'error' },
    ])
    expect(
      slotFindings('shop', { ...state, reader: { pid: 9, application: 'Debezium Streaming', user: 'd' } }),
    ).toMatchObject([{ code: 'PG_SLOT_ACTIVE', severity: 'error', commands: ['SELECT pg_terminate_backend(9);'] }])
  })
})

describe('a cluster of Elasticsearch', () => {
  const url = 'http://es:9200'

  it('that is green or yellow, with room and without blocks, is no finding', () => {
    expect(healthFindings({ status: 'yellow', unassigned_shards: 3 }, url)).toEqual([])
    expect(
      diskFindings(
        [
          { node: 'a', 'disk.percent': '89' },
          { node: 'UNASSIGNED', 'disk.percent': null },
        ],
        url,
      ),
    ).toEqual([])
    expect(blockFindings({ i: { settings: { index: { blocks: { write: 'false' } } } }, j: {} }, url)).toEqual([])
  })

  it('that is red, or has a full disk, says where to look', () => {
    expect(healthFindings({ status: 'red', unassigned_shards: 2, number_of_nodes: 1 }, url)).toMatchObject([
      {
        code: 'ES_CLUSTER_RED',
        evidence: { unassigned_shards: 2 },
        commands: [expect.stringContaining('allocation/explain')],
      },
    ])
    expect(diskFindings([{ node: 'a', 'disk.percent': '93', 'disk.avail': '70' }], url)).toMatchObject([
      { code: 'ES_DISK_HIGH', severity: 'warning', evidence: { node: 'a', disk_available_bytes: 70 } },
    ])
  })

  it('tells the block of a full disk from one that was set', () => {
    const blocks = {
      i: { settings: { index: { blocks: { read_only_allow_delete: 'true' } } } },
      j: { settings: { index: { blocks: { write: 'true' } } } },
    }
    expect(blockFindings(blocks, url)).toMatchObject([
      { code: 'ES_WATERMARK', evidence: { index: 'i' } },
      {
        code: 'ES_INDEX_BLOCKED',
        commands: [
          `curl -X PUT 'http://es:9200/j/_settings' -H 'Content-Type: application/json' -d '{"index.blocks.write": null}'`,
        ],
      },
    ])
  })
})

describe('the clock of a store', () => {
  const now = Date.UTC(2026, 0, 1, 12)

  it('that differs by minutes is a finding, in both directions', () => {
    expect(skewFindings('Thu, 01 Jan 2026 12:10:00 GMT', now, 's3')).toMatchObject([
      {
        code: 'S3_CLOCK_SKEW',
        severity: 'warning',
        cause: 'the clock of this machine is 10 min behind that of the store s3',
        evidence: { skew_seconds: 600 },
      },
    ])
    expect(skewFindings('Thu, 01 Jan 2026 11:50:00 GMT', now, 's3')[0]?.cause).toContain('10 min ahead of')
  })

  it('that is nearly the same, or not told, is none', () => {
    expect(skewFindings('Thu, 01 Jan 2026 12:04:00 GMT', now, 's3')).toEqual([])
    expect(skewFindings(null, now, 's3')).toEqual([])
  })
})
