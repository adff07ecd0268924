import { join } from 'node:path'

import { BaseSequencer, startVitest, type TestSpecification } from 'vitest/node'

/** How long a wait of a test may last: most mutants that die by a wait would cost a minute each. */
export const waitMs = 15_000

/** Runs test files of the directory that this process is in, until one fails; all of them when they are recorded. */
async function runTests(tests: readonly string[], report: string | null): Promise<void> {
  const isRecording = report !== null
  const place = (file: TestSpecification): number => tests.findIndex((path) => file.moduleId.endsWith(path))
  class InOrder extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      return files.toSorted((a, b) => place(a) - place(b))
    }
  }
  await startVitest('test', [...tests], {
    config: false,
    watch: false,
    root: process.cwd(),
    include: [...tests],
    testTimeout: waitMs * (isRecording ? 12 : 3),
    expect: { poll: { timeout: waitMs, interval: 10 } },
    globalSetup: ['test/support/global-setup.ts'],
    reporters: isRecording ? [['json', { outputFile: report }]] : ['default'],
    sequence: { sequencer: InOrder },
    experimental: { viteModuleRunner: false },
    // A file that is recorded has modules of its own: code that runs while they load counts as covered, too.
    isolate: isRecording,
    maxWorkers: isRecording ? 2 : 1,
    bail: isRecording ? 0 : 1,
    ...(isRecording ? { setupFiles: [join(import.meta.dirname, 'coverage-recorder.ts')] } : {}),
  })
}

if (import.meta.main) {
  const tests = (process.env['MUTATION_TESTS'] ?? '').split(',').filter((path) => path !== '')
  await runTests(tests, process.env['MUTATION_REPORT'] ?? null)
}
