import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/foundation/clock.ts'
import type { LogFile } from '../../../src/log/disk/file-system.ts'
import { defaultLogConfig } from '../../../src/log/log-config.ts'
import { NodeFileSystem } from '../../../src/log/disk/node-file-system.ts'
import { PartitionLog } from '../../../src/log/partition-log.ts'
import { batchOf, valuesOf } from '../../support/log/log-harness.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { untilPasses } from '../../support/until.ts'

const maxOpenFiles = 4

let directory: string
let fs: NodeFileSystem

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-descriptors-'))
  fs = new NodeFileSystem({ maxOpenFiles })
})

afterEach(async () => {
  await fs.close()
  rmSync(directory, { recursive: true, force: true })
})

function create(count: number): LogFile[] {
  return Array.from({ length: count }, (_, i) => fs.open(`${directory}/${i}`, 'create'))
}

function textOf(file: LogFile): string {
  const bytes = Buffer.alloc(file.size())
  file.read(bytes, 0, bytes.length, 0)
  return bytes.toString()
}

/** The file of a descriptor; empty when it was closed meanwhile. */
function pathOf(descriptor: string): string {
  try {
    return readlinkSync(descriptor)
  } catch {
    return ''
  }
}

describe('files of which few may be open (I10)', () => {
  it('are closed and opened again as they are used, and hold what was written', async () => {
    const files = create(50)
    for (const round of [0, 1]) {
      for (const [i, file] of files.entries()) {
        file.write(Buffer.from(`${round}:${i}`), 0)
        await file.sync()
        expect(fs.openFiles).toBeLessThanOrEqual(maxOpenFiles)
      }
      for (const [i, file] of files.entries()) expect(textOf(file)).toBe(`${round}:${i}`)
      expect(fs.openFiles).toBeLessThanOrEqual(maxOpenFiles)
    }
    for (const file of files) file.close()
    expect(fs.openFiles).toBe(0)
    expect(() => files[0]?.size()).toThrow('is closed')
  })

  it('stay open while a failed sync would be reported to no one, and say when there is room', async () => {
    const files = create(10)
    for (const file of files) file.write(Buffer.from('x'), 0)
    expect(files.every((file) => file.isOpen)).toBe(true)
    const order: number[] = []
    const turns = [0, 1, 2].map(async (i) => {
      await fs.room()
      order.push(i)
    })
    await Promise.all(files.map((file) => file.sync()))
    await Promise.all(turns)
    expect([order, fs.room()]).toEqual([[0, 1, 2], null])
    for (const file of create(10)) file.close()
    expect(files.filter((file) => file.isOpen).length).toBeLessThanOrEqual(maxOpenFiles)
    for (const file of files) file.close()
  })

  it('let one caller open a file when one descriptor is free', async () => {
    const files = create(maxOpenFiles)
    for (const file of files) file.write(Buffer.from('x'), 0)
    let admitted = 0
    for (const turn of [fs.room(), fs.room()]) void turn?.then(() => (admitted += 1))
    await files[0]?.sync()
    await untilPasses(() => expect(admitted).toBe(1))
    await files[1]?.sync()
    await untilPasses(() => expect(admitted).toBe(2))
    for (const file of files) file.close()
  })

  it('stay open after a sync failed: what is not on the disk must not go unreported', async () => {
    const device = fs.open('/dev/null', 'existing') // Nothing there to be synced.
    await expect(device.sync()).rejects.toThrow('sync of /dev/null failed')
    for (const file of create(20)) file.close()
    expect(device.isOpen).toBe(true)
    device.close()
  })

  it('stay open after a write during a sync, until the next sync', async () => {
    const [file] = create(1)
    file?.write(Buffer.from('a'), 0)
    const syncing = file?.sync()
    file?.write(Buffer.from('b'), 1)
    await syncing
    for (const other of create(20)) other.close()
    expect(file?.isOpen).toBe(true)
    await file?.sync()
    for (const other of create(20)) other.close()
    expect(file?.isOpen).toBe(false)
    file?.close()
  })

  it.skipIf(!existsSync('/proc/self/fd'))('return their descriptors to the system when others need them', () => {
    const files = create(50)
    const paths = readdirSync('/proc/self/fd').map((name) => pathOf(`/proc/self/fd/${name}`))
    expect(paths.filter((path) => path.startsWith(directory)).length).toBeLessThanOrEqual(maxOpenFiles)
    for (const file of files) file.close()
  })

  it('can be read under a name that another file has taken, when they are held', () => {
    const file = fs.open(`${directory}/old`, 'create')
    file.write(Buffer.from('old'), 0)
    file.hold()
    fs.remove(`${directory}/old`)
    const other = fs.open(`${directory}/old`, 'create')
    other.write(Buffer.from('new'), 0)
    for (const one of create(20)) one.close()
    expect([textOf(file), textOf(other)]).toEqual(['old', 'new'])
    file.close()
    other.close()
  })
})

describe('logs of which few may be open', () => {
  it('take appends to all of them immediately, in their order', async () => {
    const logs = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        PartitionLog.open({
          fs,
          directory: `${directory}/t-${i}`,
          config: { ...defaultLogConfig, segmentBytes: 400 },
          clock: systemClock,
          logger: quietLogger(),
        }),
      ),
    )
    const values = Array.from({ length: 12 }, (_, i) => `${i}`)
    const idempotent = { producerId: 7, producerEpoch: 0 }
    await Promise.all(
      values.flatMap((value, baseSequence) =>
        logs.map((log) => log.append(batchOf([['k', value]], { ...idempotent, baseSequence }))),
      ),
    )
    for (const log of logs) expect(valuesOf(log)).toEqual(values)
    for (const log of logs) await log.close()
    expect(fs.openFiles).toBe(0)
  })
})
