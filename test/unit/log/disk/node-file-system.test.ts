import { execFileSync } from 'node:child_process'
import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { readWholeFile, replaceFile } from '../../../../src/log/disk/file-system.ts'
import { defaultLogConfig } from '../../../../src/log/log-config.ts'
import { StorageError } from '../../../../src/log/log-error.ts'
import { NodeFileSystem } from '../../../../src/log/disk/node-file-system.ts'
import { PartitionLog } from '../../../../src/log/partition-log.ts'
import { batchOf, valuesOf } from '../../../support/log/log-harness.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { untilPasses } from '../../../support/until.ts'

let directory: string
let fs: NodeFileSystem

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-log-'))
  fs = new NodeFileSystem()
})

afterEach(async () => {
  await fs.close()
  rmSync(directory, { recursive: true, force: true })
})

describe("the machine's file system", () => {
  it('writes, reads, cuts, renames and removes', async () => {
    fs.makeDirectory(`${directory}/a/b`)
    const path = `${directory}/a/b/file`
    const file = fs.open(path, 'create')
    file.write(Buffer.from('0123456789'), 0)
    file.write(Buffer.from('ab'), 4)
    await file.sync()
    file.truncate(8)
    const target = Buffer.alloc(20)
    expect([file.read(target, 0, 20, 2), target.subarray(0, 6).toString(), file.size()]).toEqual([6, '23ab67', 8])
    file.close()
    fs.rename(path, `${path}2`)
    await fs.syncDirectory(`${directory}/a/b`)
    expect([fs.exists(path), fs.list(`${directory}/a/b`), fs.sizeOf(`${path}2`)]).toEqual([false, ['file2'], 8])
    expect(() => fs.open(path, 'existing')).toThrow('ENOENT')
    fs.remove(`${path}2`)
    expect(fs.list(`${directory}/a/b`)).toEqual([])
  })

  it('removes the name of a large file immediately, and gives its space back', async () => {
    const path = `${directory}/large`
    const block = Buffer.alloc(1024 * 1024, 1)
    const file = fs.open(path, 'create')
    for (let i = 0; i < 70; i += 1) file.write(block, i * block.length)
    await file.sync()
    const reader = openSync(path, 'r')
    file.close()
    fs.remove(path)
    expect(fs.exists(path)).toBe(false)
    await untilPasses(() => expect(fstatSync(reader).size).toBe(0))
    closeSync(reader)
  })

  it('keeps files to their owner', () => {
    fs.makeDirectory(`${directory}/data`)
    fs.open(`${directory}/data/file`, 'create').close()
    expect(statSync(`${directory}/data`).mode & 0o777).toBe(0o700)
    expect(statSync(`${directory}/data/file`).mode & 0o777).toBe(0o600)
  })

  it('replaces a small file as a whole', async () => {
    await replaceFile(fs, directory, 'small', Buffer.from('one'))
    await replaceFile(fs, directory, 'small', Buffer.from('two'))
    expect([readWholeFile(fs, `${directory}/small`).toString(), fs.list(directory)]).toEqual(['two', ['small']])
  })

  it('makes more files durable immediately than its ring has slots', async () => {
    const files = Array.from({ length: 400 }, (_, i) => fs.open(`${directory}/${i}`, 'create'))
    for (const file of files) file.write(Buffer.from('x'), 0)
    await Promise.all(files.map((file) => file.sync()))
    for (const file of files) file.close()
  })

  it('reports every outcome to its own file, whatever order they come in', async () => {
    const files = Array.from({ length: 300 }, (_, i) =>
      i % 7 === 3 ? fs.open('/dev/null', 'existing') : fs.open(`${directory}/${i}`, 'create'),
    )
    for (let round = 0; round < 5; round += 1) {
      for (const file of files) if (file.path !== '/dev/null') file.write(Buffer.alloc(5000, round), round * 5000)
      const outcomes = await Promise.allSettled(files.map((file) => file.sync()))
      const failed = outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))
      expect(failed).toEqual(files.flatMap(({ path }, i) => (path === '/dev/null' ? [i] : [])))
    }
    for (const file of files) file.close()
  })

  it('says which file could not be synced, and why', async () => {
    const device = fs.open('/dev/null', 'existing') // Nothing there to be synced.
    await expect(device.sync()).rejects.toMatchObject({ name: 'StorageError', code: 'EINVAL' })
    await expect(device.sync()).rejects.toThrow('sync of /dev/null failed')
    device.close()
  })

  it('refuses to sync once it is closed', async () => {
    const file = fs.open(`${directory}/file`, 'create')
    await file.sync()
    await fs.close()
    await expect(file.sync()).rejects.toThrow(StorageError)
    file.close()
  })

  it('syncs while every thread of the shared pool is blocked', async () => {
    const fifo = `${directory}/fifo`
    execFileSync('mkfifo', [fifo])
    const blocked = Array.from({ length: Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) }, () => open(fifo, 'r'))
    const file = fs.open(`${directory}/file`, 'create')
    file.write(Buffer.from('x'), 0)
    await file.sync()
    file.close()
    const writer = openSync(fifo, constants.O_RDWR)
    for (const handle of await Promise.all(blocked)) await handle.close()
    closeSync(writer)
  })
})

describe('a log on the disk', () => {
  it('is there again after it was closed, and after it was not', async () => {
    const options = { fs, directory: `${directory}/orders-0`, clock: systemClock, logger: quietLogger() }
    const config = { ...defaultLogConfig, segmentBytes: 1000 }
    const log = await PartitionLog.open({ ...options, config })
    const expected = Array.from({ length: 100 }, (_, i) => `${i}`)
    for (const value of expected) await log.append(batchOf([['k', value]]))
    expect(valuesOf(log)).toEqual(expected)
    const beside = await PartitionLog.open({ ...options, config })
    expect(valuesOf(beside)).toEqual(expected)
    await beside.close()
    const again = await PartitionLog.open({ ...options, config })
    expect([valuesOf(again), again.logEndOffset]).toEqual([expected, 100])
    await again.close()
  })
})
