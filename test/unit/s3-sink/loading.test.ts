import { execFileSync } from 'node:child_process'

import { expect, it } from 'vitest'

const script = `
  import { createRequire } from 'node:module'
  const { plugin } = await import(process.argv[1])
  plugin.createConnector()
  const config = { 'aws.access.key.id': 'key', 'aws.secret.access.key': '' }
  const problems = await plugin.check(config, config, new AbortController().signal)
  const packages = Object.keys(createRequire(import.meta.url).cache).filter((name) => name.includes('@aws-sdk'))
  console.log(JSON.stringify({ problems: problems.length > 0, packages }))`

it('a thread that starts no task and asks for no bucket does not load the SDK', () => {
  const module = new URL('../../../connectors/s3-sink/index.ts', import.meta.url).href
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script, module], { encoding: 'utf8' })
  expect(JSON.parse(output)).toEqual({ problems: true, packages: [] })
})
