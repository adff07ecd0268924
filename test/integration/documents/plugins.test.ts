import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { freePorts } from '../../../src/servers/process/port.ts'
import { workerAddresses } from '../../support/documents/addresses.ts'
import { commandBlocks, substitute } from '../../support/documents/command-blocks.ts'
import { guideRuns } from '../../support/documents/guide-run.ts'
import { describeWith } from '../../support/services.ts'
import { installPackage } from '../../support/worker/installed-package.ts'

const guide = 'docs/guides/write-a-connector.md'
const checkout = join(import.meta.dirname, '../../..')
const run = guideRuns()

describeWith(['kcat'], 'a connector from outside', () => {
  it.each(['bin/penstock.js', 'node_modules/.bin/penstock'])(
    'is written and run by %s as the guide says',
    async (program) => {
      if (program.startsWith('node_modules')) await installPackage(run().directory)
      const { rest, written } = await workerAddresses(program)
      const [hook] = await freePorts([null])
      // First: another port may have these digits in it.
      const addresses = { '8090': String(hook), ...written }
      const url = (script: string): string =>
        script.includes('worker') ? `${rest}/connectors` : `http://127.0.0.1:${hook}`
      const outputs = await run().follow(guide, addresses, url, async (script) => {
        if (script.startsWith('rm ')) await run().endAll()
      })
      for (const output of outputs.slice(0, -1)) expect(output).toMatch(/\S/)
      const said = outputs.join('\n')
      expect(said).toContain('com.acme.TickerSourceConnector')
      expect(said).toMatch(/0 .*"payload":1\}\n1 .*"payload":2\}\n2 .*"payload":3\}/)
      expect(said).toContain('Invalid value 0 for configuration interval.ms: Value must be at least 1')
      expect(said).toContain('{"topic":"numbers","partition":0,"offset":2,"value":"3"}')
      expect(said).not.toContain('FAILED')
    },
  )
})

describe('the tests of a connector from outside', () => {
  it.each(['checkout', 'package'])('run with penstock/testing of a %s as the guide says', async (kind) => {
    if (kind === 'package') await installPackage(run().directory)
    const written = { '"$PWD"': kind === 'package' ? '"$PWD/node_modules/penstock"' : JSON.stringify(checkout) }
    const all = commandBlocks(guide)
    const writesConnectors = all.slice(
      0,
      all.findIndex(({ background }) => background),
    )
    const outputs: string[] = []
    for (const { text } of [...writesConnectors, ...commandBlocks('docs/guides/test-a-connector.md')])
      outputs.push(await run().run(substitute(text, written)))
    const [, , , , ticker, webhook, broken, removed] = outputs
    for (const report of [ticker, webhook]) expect(report).toMatch(/^(?:#|ℹ) fail 0$/m)
    expect(ticker).toContain('resumes exactly after the offset of any record')
    expect(webhook).toContain('has the plugins that package.json lists')
    expect(broken).toContain('com.acme.WebhookSinkConnector does not hold its contract')
    expect(broken).toMatch(
      /what it did: {5}preCommit returned \d+ of first-0, although the task received only records before/,
    )
    expect(removed).toBe('')
  })
})
