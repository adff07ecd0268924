import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach } from 'vitest'

import { workerPlace, WorkerProcess, type WorkerPlace } from './worker-process.ts'

/** What each test of a suite has: a directory, and the workers that it starts in it. */
export interface TestWorkers {
  /** Empty before the test, removed after it. */
  readonly directory: string
  /** Starts a worker with the data of its broker in `data` of the directory. It is killed after the test. */
  start(settings?: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>): Promise<WorkerProcess>
  /** As {@link start}, at a place of the test's own. */
  startAt(
    place: WorkerPlace,
    settings?: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
  ): Promise<WorkerProcess>
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
  const startAt = async (...args: Parameters<typeof WorkerProcess.start>): Promise<WorkerProcess> => {
    const worker = await WorkerProcess.start(...args)
    started.push(worker)
    return worker
  }
  return {
    get directory() {
      return directory
    },
    async start(settings, env) {
      return await startAt(await workerPlace(join(directory, 'data')), settings, env)
    },
    startAt,
  }
}
