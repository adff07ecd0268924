import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { jodaCases } from '../../oracle/joda/joda-cases.ts'
import { runOracle } from '../../oracle/run-oracle.ts'
import { describeWith } from '../../support/services.ts'

const program = fileURLToPath(new URL('../../oracle/joda/JodaOracle.java', import.meta.url))
const file = new URL('../../oracle/joda/joda-2.12.7.jsonl', import.meta.url)

// Maven comes with the service. UPDATE_ORACLE=1 writes the recording before it compares it.
describeWith(['kafka'], "the directories of Confluent's TimeBasedPartitioner", () => {
  it('are still what is recorded of them', async () => {
    const paths = await runOracle('joda', jodaCases, program)
    const lines = jodaCases.map((given, i) => `${JSON.stringify({ given, path: paths[i] })}\n`).join('')
    if (process.env['UPDATE_ORACLE'] === '1') writeFileSync(file, lines)
    expect(readFileSync(file, 'utf8')).toBe(lines)
  })
})
