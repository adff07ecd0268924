import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sinkContract, sourceContract } from 'penstock/testing'
import { describe, it } from 'vitest'

import { plugin as sink } from '../../connectors/file-sink/index.ts'
import { plugin as source } from '../../connectors/file-source/index.ts'
import { patienceMs } from '../support/until.ts'

function place(): { readonly file: string; readonly close: () => Promise<void> } {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-file-'))
  return {
    file: join(directory, 'lines.txt'),
    close: async () => rmSync(directory, { recursive: true, force: true }),
  }
}

describe('the file source', () => {
  const cases = sourceContract({
    plugin: source,
    waitMs: patienceMs,
    wrong: [{ what: 'no topic', change: { topic: null }, names: ['topic'] }],
    unusable: { file: '/dev/null/lines.txt' },
    prepare: () => {
      const { file, close } = place()
      let lines = 0
      return {
        config: { file, topic: 'lines', 'batch.size': '3' },
        add: (count) => {
          const added = Array.from({ length: count }, () => `line ${(lines += 1)} of ${'x'.repeat(lines)}`)
          appendFileSync(file, added.map((line, i) => `${line}${i % 2 === 0 ? '\n' : '\r\n'}`).join(''))
          return added
        },
        identify: ({ value }) => String(value),
        close,
      }
    },
  })
  for (const { name, run } of cases) it(name, run)
})

describe('the file sink', () => {
  const cases = sinkContract({
    plugin: sink,
    waitMs: patienceMs,
    // A file has no place for offsets: what was not committed is appended again.
    repeats: true,
    unusable: { file: '/dev/null/lines.txt' },
    prepare: () => {
      const { file, close } = place()
      return {
        config: { file, topics: 'first,second' },
        record: (number, { topic, partition }) => ({ value: `${topic}-${partition} ${number}` }),
        identify: ({ value }) => String(value),
        delivered: () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []),
        close,
      }
    },
  })
  for (const { name, run } of cases) it(name, run)
})
