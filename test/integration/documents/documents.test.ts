import { expect, it } from 'vitest'

import { commandBlocks, documentsWithCommands } from '../../support/documents/command-blocks.ts'

/** Which file of this directory, or which other test, runs the commands of a document. */
const tests: Readonly<Record<string, string>> = {
  // The first block is the quickstart, the second what to do beside it (quickstart.test.ts).
  'README.md': 'readme, main-job, package/quickstart',
  'docs/guides/command-line.md': 'command-line',
  // It has none.
  'docs/guides/dashboard.md': '',
  'docs/guides/errors.md': 'worker',
  'docs/guides/https.md': 'worker',
  'docs/guides/main-job.md': 'main-job',
  'docs/guides/operating.md': 'operating',
  'docs/guides/schema-evolution.md': 'main-job',
  'docs/guides/schema-registry.md': 'worker',
  'docs/guides/secret-managers.md': 'secrets',
  'docs/guides/secrets.md': 'secrets',
  'docs/guides/several-workers.md': 'operating',
  'docs/guides/shared-host.md': 'worker',
  'docs/guides/test-a-connector.md': 'plugins',
  'docs/guides/users.md': 'worker',
  'docs/guides/write-a-connector.md': 'plugins',
}

it('no document has commands that no test runs', () => {
  expect(documentsWithCommands().toSorted()).toEqual(Object.keys(tests).toSorted())
  expect(commandBlocks('README.md').map(({ text }) => text.split('\n')[0])).toEqual([
    'npm run quickstart',
    'curl -sS --fail-with-body "http://127.0.0.1:8083/connectors?expand=status"',
    'bin/penstock.js worker',
    expect.stringMatching(/^curl -sS --fail-with-body -X POST .*\/connectors -d '\{$/),
    'bin/penstock.js worker connect-distributed.properties',
    'docker compose up --build',
    'bin/penstock.js broker --listen 127.0.0.1:9092 --data ./log',
  ])
})
