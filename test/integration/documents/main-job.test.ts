import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { workerAddresses } from '../../support/documents/addresses.ts'
import { commandBlocks, examplesOf, oneLine, substitute } from '../../support/documents/command-blocks.ts'
import {
  administer,
  databaseAddresses,
  databaseNamed,
  dropDatabase,
  expectRunning,
} from '../../support/documents/guide-database.ts'
import { guideRuns, responds } from '../../support/documents/guide-run.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { installPackage } from '../../support/worker/installed-package.ts'

const evolution = 'docs/guides/schema-evolution.md'
const run = guideRuns()

describeWith(['postgres', 'elasticsearch', 'minio', 'kcat', 'psql'], 'the main job', () => {
  let addresses: Record<string, string> = {}
  let database = new URL('postgres:')
  let rest = ''
  let prefix = ''

  beforeEach(async () => {
    const worker = await workerAddresses()
    rest = worker.rest
    prefix = `doc_${process.pid}_${new URL(rest).port}`
    const [search, store] = [new URL(service('elasticsearch')), new URL(service('minio'))]
    await administer(service('postgres'), `CREATE DATABASE ${prefix}`)
    database = databaseNamed(prefix)
    database.password = database.password === '' ? 'postgres' : database.password
    await bucketOf(store).make(prefix.replaceAll('_', '-'))
    addresses = {
      'postgres://postgres:postgres@127.0.0.1:5432/shop': database.href,
      ...databaseAddresses(database),
      '"database.dbname": "shop"': `"database.dbname": "${prefix}"`,
      '"database.dbname": "mydb"': `"database.dbname": "${prefix}"`,
      '"topic.prefix": "mydb"': `"topic.prefix": "${prefix}"`,
      '"slot.name": "shop"': `"slot.name": "${prefix}"`,
      "slot('shop')": `slot('${prefix}')`,
      '"topic.prefix": "shop"': `"topic.prefix": "${prefix}"`,
      'shop.public.orders': `${prefix}.public.orders`,
      'http://127.0.0.1:9200': search.origin,
      'http://127.0.0.1:9000': store.origin,
      '"aws.access.key.id": "penstock"': `"aws.access.key.id": "${store.username}"`,
      '--user penstock:': `--user ${store.username}:`,
      'penstock-secret': store.password,
      '/archive?': `/${prefix.replaceAll('_', '-')}?`,
      '"archive"': `"${prefix.replaceAll('_', '-')}"`,
      ...worker.written,
    }
  })
  afterEach(async () => {
    await run().endAll()
    await dropDatabase(prefix)
    await fetch(new URL(`/${prefix}.public.orders`, service('elasticsearch')), { method: 'DELETE' })
  })

  // As published, too: there the three connectors are JavaScript that is found by other paths.
  it.each(['bin/penstock.js', 'node_modules/.bin/penstock'])('runs by %s as the guide says, twice', async (program) => {
    if (program.startsWith('node_modules')) await installPackage(run().directory)
    const objects = (): Promise<string[]> => bucketOf(new URL(service('minio'))).list(prefix.replaceAll('_', '-'))
    const first = `topics/${prefix}.public.orders/partition=0/${prefix}.public.orders+0+0000000000.json.gz`
    const archived = async (): Promise<void> => expect(await objects()).toContain(first)
    const written = { ...addresses, 'bin/penstock.js': program }
    const follow = async (): Promise<void> => {
      const outputs = await run().follow('docs/guides/main-job.md', written, `${rest}/connectors`, async (script) => {
        // The reader of the guide has seen an object by now, and ends the worker before its directory goes.
        if (script.includes('-X DELETE')) await vi.waitFor(archived, { timeout: 60_000, interval: 200 })
        if (script.startsWith('rm ')) await run().endAll()
      })
      for (const output of outputs.slice(0, -1)) expect(output).toMatch(/\S/)
      expect(outputs.at(-1)).toBe('')
    }
    await follow()
    await follow()
  })

  it('goes through changes of a schema as the guide says', async () => {
    const outputs = (await run().follow(evolution, addresses, `${rest}/connectors`)).map((output) => oneLine(output))
    const [source, accepted, refused, registered, rejected, indexed, , archived, cleaned] = outputs
    expect(source).toMatch(/\[1\]$/)
    expect(accepted).toMatch(/\[1,2\]$/)
    expect(registered).toContain('[1,2,3]')
    expect(indexed).toContain('"_source":{"id":3,"quantity":"a dozen","note":null}')
    expect(indexed).toMatch(/"quantity":\{"type":"keyword"\}/)
    expect(archived).toBe('3')
    expect(cleaned).toContain('DROP TABLE')
    const examples = examplesOf(evolution).map((example) => substitute(example, addresses))
    expect(examples).toHaveLength(2)
    // Versions of Elasticsearch count the bytes of a document in different ways.
    const plain = (text: string | undefined): string => (text ?? '').replaceAll(/\[\d+:\d+\]/g, '[…]')
    for (const [i, output] of [refused, rejected].entries()) expect(plain(output)).toContain(plain(examples[i]))
  })

  it('begins as the README says', async () => {
    await administer(database.href, 'CREATE TABLE orders (id int PRIMARY KEY)')
    const [worker, create] = commandBlocks('README.md').slice(2, 4)
    run().begin(substitute(worker?.text.trim() ?? '', addresses))
    await responds(`${rest}/connectors`)
    const slot = `"plugin.name": "pgoutput", "slot.name": "${prefix}"`
    const answer = await run().run(substitute(create?.text ?? '', { ...addresses, '"plugin.name": "pgoutput"': slot }))
    expect(answer).toContain('"name":"my-source"')
    await untilPasses(() => expectRunning(rest, 'my-source'))
  })
})

function bucketOf(store: URL): { make: (name: string) => Promise<void>; list: (name: string) => Promise<string[]> } {
  const credentials = { accessKeyId: store.username, secretAccessKey: store.password }
  const client = new S3Client({ endpoint: store.origin, region: 'us-east-1', forcePathStyle: true, credentials })
  return {
    async make(name) {
      await client.send(new CreateBucketCommand({ Bucket: name }))
    },
    async list(name) {
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: name }))
      return (Contents ?? []).map(({ Key }) => Key ?? '')
    },
  }
}
