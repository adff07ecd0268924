import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
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
  let ground: FaultGround
  let runs = 0

  beforeAll(async () => {
    const directory = join(root, 'files')
    mkdirSync(directory)
    const place = await workerPlace(join(root, 'log'))
    const worker = await WorkerProcess.start(place, { 'offset.flush.interval.ms': '1000' })
    ground = { worker, directory, postgres: service('postgres'), store: service('versitygw'), cleanups: [] }
  })
  afterAll(async () => {
    for (const cleanup of ground.cleanups.splice(0).toReversed()) await cleanup()
    await ground.worker.kill()
    rmSync(root, { recursive: true, force: true })
  })

  const all: readonly FaultCase[] = [...recordFaults, ...elasticsearchFaults, ...storeFaults, ...postgresFaults]
  it.each(all)(
    '$title',
    async ({ inject, code, severity = 'error', cause, command }) => {
      runs += 1
      const name = `fault-${process.pid}-${runs}-lines`
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
      await ground.worker.request('DELETE', `/connectors/${name}`)
    },
    120_000,
  )
})
