import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { DiskSync } from '../../../../src/log/disk/disk-sync.ts'
import type { StorageError } from '../../../../src/log/log-error.ts'
import { present } from '../../../../src/foundation/assert.ts'
import { untilPasses } from '../../../support/until.ts'

it('syncs nothing more once a thread has ended, as no one knows what it had synced', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-sync-'))
  const descriptor = openSync(join(directory, 'file'), 'w')
  const workers: Worker[] = []
  const note = (worker: Worker): void => void workers.push(worker)
  process.on('worker', note)
  const deaths: StorageError[] = []
  const sync = new DiskSync((failure) => deaths.push(failure))
  try {
    await sync.syncFile(descriptor, 'file')
    await present(workers[0], 'the thread').terminate()
    await untilPasses(() => expect(deaths).toHaveLength(1))
    await expect(sync.syncFile(descriptor, 'file')).rejects.toThrow('a thread that syncs files has ended')
    await expect(sync.syncDirectory(descriptor, directory)).rejects.toThrow('a thread that syncs files has ended')
    expect(workers).toHaveLength(1)
  } finally {
    process.off('worker', note)
    await sync.close()
    closeSync(descriptor)
    rmSync(directory, { recursive: true, force: true })
  }
})
