import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { expect, it } from 'vitest'

import { workerConfigDef } from '../../src/config/worker/worker-config-def.ts'
import { present } from '../../src/foundation/assert.ts'
import { optionsTable, withOptions } from '../support/worker/options-table.ts'

it('docs/reference/worker.md lists the options of the ConfigDef', () => {
  const file = fileURLToPath(new URL('../../docs/reference/worker.md', import.meta.url))
  const document = readFileSync(file, 'utf8')
  // The default of one depends on the machine: the document says how.
  const threads = present(workerConfigDef['task.threads.max'], 'task.threads.max')
  const everywhere = { ...workerConfigDef, 'task.threads.max': { ...threads, defaultValue: 4 } }
  const wanted = withOptions(document, optionsTable(everywhere))
  // `npm run docs` writes it.
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted ?? document)
  else expect(document).toBe(wanted)
})
