import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { Servers } from '../../../src/servers/servers.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import {
  elasticsearchFaults,
  recordFaults,
  storeFaults,
  type FaultCase,
  type FaultGround,
} from '../../support/worker/diagnosis-cases.ts'
import { postgresFaults } from '../../support/worker/postgres-faults.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

interface Diagnosis {
  readonly verdict: string
  readonly findings: readonly {
    readonly code: string
    readonly severity: string
    readonly cause: string
    readonly fix: string
    readonly commands: readonly string[]
  }[]
}

describeWith(['postgres', 'versitygw'], 'the diagnosis of a fault', () => {
  const root = mkdtempSync(join(tmpdir(), 'penstock-diagnosis-'))
  // Its transactions stay open, and a slot is created only when those of all databases of its server have ended.
  const servers = Servers.open()
  let ground: FaultGround
  let runs = 0
  const nameOf = (run: number): string => `fault-${process.pid}-${run}-lines`

  beforeAll(async () => {
    const directory = join(root, 'files')
    mkdirSync(directory)
    const place = await workerPlace(join(root, 'log'))
    const worker = await WorkerProcess.start(place, { 'offset.flush.interval.ms': '1000' })
    const postgres = (await servers.get('postgres')).address
    ground = { worker, directory, postgres, store: service('versitygw'), cleanups: [] }
  })
  afterEach(async () => {
    try {
      await ground.worker.request('DELETE', `/connectors/${nameOf(runs)}`)
    } finally {
      for (const cleanup of ground.cleanups.splice(0).toReversed()) await cleanup()
    }
  })
  afterAll(async () => {
    await ground.worker.kill()
    await servers.close()
    rmSync(root, { recursive: true, force: true })
  })

  const all: readonly FaultCase[] = [...recordFaults, ...elasticsearchFaults, ...storeFaults, ...postgresFaults]
  it.each(all)(
    '$title',
    async ({ inject, code, severity = 'error', cause, command }) => {
      runs += 1
      const name = nameOf(runs)
      await inject(ground, name)
      let last: Diagnosis | null = null
      await until(
        () => `the first finding is ${code}: ${JSON.stringify(last?.findings)}`,
        async () => {
          last = (await ground.worker.request('GET', `/connectors/${name}/diagnosis`)) as Diagnosis
          const [found] = last.findings
          return found?.code === code && cause.test(found.cause)
        },
        60_000,
      )
      const [first] = (last as unknown as Diagnosis).findings
      expect(first).toMatchObject({
        code,
        severity,
        cause: expect.stringMatching(cause),
        fix: expect.stringMatching(/^[A-Z]/),
      })
      if (command !== undefined) expect(first?.commands).toContainEqual(expect.stringMatching(command))
      if (process.env['SHOW_DIAGNOSIS'] === '1')
        process.stdout.write(`| ${code} | ${first?.cause} | ${first?.commands.join(' ; ')} |\n`)
    },
    120_000,
  )
})
