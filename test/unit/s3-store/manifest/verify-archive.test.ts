import { present } from 'penstock/api'
import { beforeEach, describe, expect, it } from 'vitest'

import { memoryS3Sinks } from '../../../support/s3/memory-s3-sinks.ts'
import { verified } from '../../../support/s3/verified-archive.ts'

const sinks = memoryS3Sinks()
const objectOf = (start: number): string => `t/partition=0/t+0+000000000${start}.json`
const manifestOf = (start: number): string => `t/_manifest/partition=0/t+0+0000000000000000000${start}.json`

function change(key: string, edit: (body: Buffer) => Buffer): void {
  sinks.store.put(key, edit(Buffer.from(present(sinks.store.objects.get(key), key).body)))
}
const flipped = (at: number) => (body: Buffer) => {
  body[at] = (body[at] ?? 0) ^ 1
  return body
}

/** Three objects of three records each. */
beforeEach(async () => {
  for (let n = 0; n < 9; n += 1) sinks.log.append({ topic: 't', value: `value ${n}` })
  const sink = await sinks.start({ 'archive.manifest': 'true', 'flush.size': '3' })
  await sink.runUntil('all records', () => sinks.log.committed.get('t-0') === 9)
  await sink.crash()
})

describe('the verification of an archive', () => {
  it('finds nothing where there is nothing', async () => {
    expect(await verified(sinks.store)).toMatchObject({ faults: [], partitions: [{ from: 0, to: 9, objects: 3 }] })
  })

  it('finds a flipped bit in any byte of an object', async () => {
    const size = present(sinks.store.objects.get(objectOf(3)), 'the object').body.length
    for (const at of [0, size >> 1, size - 1]) {
      change(objectOf(3), flipped(at))
      expect((await verified(sinks.store)).faults).toEqual([`object changed ${objectOf(3)}`])
      change(objectOf(3), flipped(at))
    }
  })

  it('finds a flipped bit in any byte of a manifest, also of the last one', async () => {
    for (const start of [0, 6]) {
      const size = present(sinks.store.objects.get(manifestOf(start)), 'the manifest').body.length
      for (const at of [0, 40, size >> 1, size - 10, size - 1]) {
        change(manifestOf(start), flipped(at))
        expect((await verified(sinks.store)).faults).toContain(`manifest changed ${manifestOf(start)}`)
        change(manifestOf(start), flipped(at))
      }
    }
  })

  it.each([0, 3, 6])('finds that the object of the offset %i is missing', async (start) => {
    sinks.store.objects.delete(objectOf(start))
    expect((await verified(sinks.store)).faults).toEqual([`missing object ${objectOf(start)}`])
  })

  it('finds an object that is cut off, and one that has become longer', async () => {
    change(objectOf(0), (body) => body.subarray(0, -1))
    change(objectOf(6), (body) => Buffer.concat([body, Buffer.from('\n')]))
    const faults = [`object cut off ${objectOf(0)}`, `object changed ${objectOf(6)}`]
    expect((await verified(sinks.store)).faults).toEqual(faults)
  })

  it('finds an empty object', async () => {
    change(objectOf(3), () => Buffer.alloc(0))
    expect((await verified(sinks.store)).faults).toEqual([`object cut off ${objectOf(3)}`])
  })

  it('finds a missing manifest, with the objects that it had', async () => {
    sinks.store.objects.delete(manifestOf(3))
    const faults = [`missing manifest ${manifestOf(3)}`, `object without manifest ${objectOf(3)}`]
    expect((await verified(sinks.store)).faults).toEqual(faults)
  })

  it('finds objects and manifests that are missing together, but for those at the end', async () => {
    for (const start of [0, 3]) sinks.store.objects.delete(manifestOf(start))
    for (const start of [0, 3]) sinks.store.objects.delete(objectOf(start))
    expect((await verified(sinks.store)).faults).toEqual([`missing manifest ${manifestOf(3)}`])
  })

  it('finds an archive that was written again from an offset before its end', async () => {
    sinks.log.committed.set('t-0', 7)
    const sink = await sinks.start({ 'archive.manifest': 'true', 'flush.size': '2' })
    await sink.runUntil('all records', () => sinks.log.committed.get('t-0') === 9)
    const { faults } = await verified(sinks.store)
    expect(faults).toEqual([`overlap ${manifestOf(7)}`])
  })
})
