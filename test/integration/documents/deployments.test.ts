import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { freePort } from '../../../src/servers/process/port.ts'
import { workerAddresses, type WorkerAddresses } from '../../support/documents/addresses.ts'
import { substitute } from '../../support/documents/command-blocks.ts'
import { guideRuns, responds } from '../../support/documents/guide-run.ts'

interface Container {
  readonly args: readonly string[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: string } }
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}
interface Manifest {
  readonly kind: string
  readonly data: Readonly<Record<string, string>>
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly [Container] } } }
}

const operate = join(import.meta.dirname, '../../../docs/operate')
const text = (name: string): string => readFileSync(join(operate, name), 'utf8')
const manifests = parseAllDocuments(text('kubernetes.yaml')).map((document) => document.toJS() as Manifest)
const manifest = (kind: string): Manifest => manifests.find((one) => one.kind === kind) ?? expect.fail(`no ${kind}`)
const container = (kind: string): Container => manifest(kind).spec.template.spec.containers[0]
const run = guideRuns()

/** The directories of a deployment, and those of the test in their place. */
function places(worker: WorkerAddresses): Record<string, string> {
  return {
    '/etc/penstock-users/users.properties': join(run().directory, 'users.properties'),
    '/etc/penstock/': `${run().directory}/`,
    '/var/lib/penstock': join(run().directory, 'state'),
    '/data': join(run().directory, 'data'),
    'http://0.0.0.0:8083': worker.rest,
    $: '',
    '(POD_IP)': '127.0.0.1',
  }
}

async function writeUsers(): Promise<void> {
  await run().run(
    `printf 'alice.role=admin\\nalice.password=%s\\n' "$(printf secret | bin/penstock.js hash-password)" >users.properties
     chmod 0440 users.properties`,
  )
}

async function expectService(command: string, path: string, worker: WorkerAddresses): Promise<void> {
  const program = run().begin(command)
  await responds(`${worker.rest}${path}`)
  program.child.kill('SIGTERM')
  expect(await program.ended, program.output()).toBe(0)
}

describe('a worker that a supervisor runs', () => {
  it('starts by the unit of systemd, and stops by its signal', async () => {
    const worker = await workerAddresses()
    const command = /^ExecStart=\/usr\/bin\/env penstock (.*)$/m.exec(text('penstock.service'))?.[1] ?? ''
    writeFileSync(join(run().directory, 'worker.properties'), `listeners=${worker.rest}\n`)
    const settings = `--set embedded.broker.listener=${worker.broker}`
    await expectService(`bin/penstock.js ${substitute(command, places(worker))} ${settings}`, '/health', worker)
  })

  it('starts by the StatefulSet of Kubernetes, and responds to its probe', async () => {
    const worker = await workerAddresses()
    await writeUsers()
    const { args, readinessProbe, ports, volumeMounts } = container('StatefulSet')
    expect(ports).toEqual([{ name: readinessProbe.httpGet.port, containerPort: 8083 }])
    expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/data', '/etc/penstock-users'])
    const command = `bin/penstock.js ${substitute(args.join(' '), places(worker))} --set embedded.broker.listener=${worker.broker}`
    await expectService(command, readinessProbe.httpGet.path, worker)
  })

  it('starts by the Deployment of Kubernetes, next to a broker', async () => {
    const worker = await workerAddresses()
    const broker = `127.0.0.1:${await freePort()}`
    await writeUsers()
    mkdirSync(join(run().directory, 'log'))
    run().begin(`bin/penstock.js broker --listen ${broker} --data ./log`)
    const settings = manifest('ConfigMap').data['group.properties'] ?? ''
    const addresses = { ...places(worker), 'kafka:9092': broker }
    writeFileSync(join(run().directory, 'group.properties'), substitute(settings, addresses))
    const { args, readinessProbe } = container('Deployment')
    await expectService(`bin/penstock.js ${substitute(args.join(' '), addresses)}`, readinessProbe.httpGet.path, worker)
  })
})
