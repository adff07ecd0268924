import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { SubmittedRecords } from '../../../../../src/runtime/task-thread/source/submitted-records.ts'

const partition = { server: 'a' }

describe('submitted records', () => {
  it('makes nothing committable while the first record is not acknowledged', () => {
    const records = new SubmittedRecords()
    records.submit(partition, { position: 1 })
    const second = records.submit(partition, { position: 2 })
    expect(records.acknowledge(second)).toBe(false)
    expect(records.hasCommittable).toBe(false)
    expect(records.inFlight).toBe(2)
  })

  it('commits the newest offset of the contiguous run', () => {
    const records = new SubmittedRecords()
    const tokens = [1, 2, 3].map((position) => records.submit(partition, { position }))
    records.acknowledge(tokens[1] ?? -1)
    expect(records.acknowledge(tokens[0] ?? -1)).toBe(true)
    expect(records.takeCommittable()).toEqual([{ partition, offset: { position: 2 } }])
    expect(records.takeCommittable()).toEqual([])
    expect(records.inFlight).toBe(1)
  })

  it('takes partitions of equal text as one, the later record winning', () => {
    const records = new SubmittedRecords()
    const other = { server: 'b' }
    const tokens = [
      records.submit(partition, { position: 1 }),
      records.submit(other, { position: 7 }),
      records.submit({ server: 'a' }, { position: 2 }),
      records.submit(partition, { position: 3 }),
    ]
    for (const token of tokens) records.acknowledge(token)
    const taken = records.takeCommittable()
    expect(taken).toHaveLength(2)
    expect(taken).toContainEqual({ partition: { server: 'a' }, offset: { position: 3 } })
    expect(taken).toContainEqual({ partition: other, offset: { position: 7 } })
  })

  it('lets an offset give way to the next one of its partition, and keeps it when there is none', () => {
    const records = new SubmittedRecords()
    const other = { server: 'b' }
    const tokens = [
      records.submit(partition, { position: 1 }, true),
      records.submit(partition, { position: 2 }, true),
      records.submit(other, { position: 7 }, true),
      records.submit(other, { position: 8 }, true),
    ]
    expect(tokens.map((token) => records.offsetOf(token))).toEqual([null, { position: 2 }, null, { position: 8 }])
    const [first = -1, ...rest] = tokens
    expect(records.acknowledge(first)).toBe(true)
    expect(records.takeCommittable()).toEqual([])
    for (const token of rest) records.acknowledge(token)
    expect(records.takeCommittable()).toEqual([
      { partition, offset: { position: 2 } },
      { partition: other, offset: { position: 8 } },
    ])
    const late = records.submit(other, { position: 9 })
    records.acknowledge(late)
    expect(records.takeCommittable()).toEqual([{ partition: other, offset: { position: 9 } }])
  })

  it('refuses a token that is not in flight', () => {
    const records = new SubmittedRecords()
    const token = records.submit(partition, { position: 1 })
    records.acknowledge(token)
    expect(() => records.acknowledge(token)).toThrow('token 0 is not in flight')
    expect(() => records.acknowledge(5)).toThrow('token 5 is not in flight')
  })

  it('never commits past an unacknowledged record, whatever the order of acknowledgements (I2)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4000 }), (choices) => {
        const records = new SubmittedRecords()
        const open: number[] = []
        const acknowledged = new Set<number>()
        let submitted = 0
        let committed = -1
        for (const choice of choices) {
          if (choice < 6 || open.length === 0) {
            open.push(records.submit(partition, { position: submitted }))
            submitted += 1
          } else {
            const [token] = open.splice((choice * 7919) % open.length, 1)
            if (token === undefined) continue
            records.acknowledge(token)
            acknowledged.add(token)
          }
          for (const { offset } of records.takeCommittable()) committed = Number(offset['position'])
          let watermark = -1
          while (acknowledged.has(watermark + 1)) watermark += 1
          expect(committed).toBe(watermark)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('grows beyond its first capacity without losing the order', () => {
    const records = new SubmittedRecords()
    for (let i = 0; i < 500; i += 1) records.acknowledge(records.submit(partition, { position: i }))
    for (let i = 500; i < 6000; i += 1) records.submit(partition, { position: i })
    for (let token = 5999; token > 500; token -= 1) records.acknowledge(token)
    expect(records.takeCommittable()).toEqual([{ partition, offset: { position: 499 } }])
    records.acknowledge(500)
    expect(records.takeCommittable()).toEqual([{ partition, offset: { position: 5999 } }])
    expect(records.inFlight).toBe(0)
  })
})
