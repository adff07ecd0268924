import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach } from 'vitest'

import { workerPlace, WorkerProcess } from './worker-process.ts'

/** What each test of a suite has: a directory, and the workers that it starts in it. */
export interface TestWorkers {
  /** Empty before the test, removed after it. */
  readonly directory: string
  /** Starts a worker with the data of its broker in `data` of the directory. It is killed after the test. */
  start(settings?: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>): Promise<WorkerProcess>
}

/** Makes the directory before each test of a suite. */
export function testWorkers(): TestWorkers {
  let directory = ''
  const started: WorkerProcess[] = []
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'penstock-workers-'))
  })
  afterEach(async () => {
    for (const worker of started.splice(0).toReversed()) await worker.kill()
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    get directory() {
      return directory
    },
    async start(settings, env) {
      const worker = await WorkerProcess.start(await workerPlace(join(directory, 'data')), settings, env)
      started.push(worker)
      return worker
    },
  }
}
