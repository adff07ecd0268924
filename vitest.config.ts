import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// `fast` is what `npm run test:fast` runs: no server but Postgres and our own broker.
const fast = ['unit', 'property', 'contract', 'golden', 'tidy'].map((kind) => `test/${kind}/**/*.test.ts`)

// Long runs are chosen by `npm run soak` only: without SOAK=1 the project does not exist.
const soakMinutes = Number(process.env['SOAK_MINUTES'] ?? 5)
const soak = {
  extends: true as const,
  test: {
    name: 'soak',
    include: ['test/soak/**/*.test.ts'],
    // A run may take as long again to check what it did.
    testTimeout: soakMinutes * 2 * 60_000 + 300_000,
    maxWorkers: 1,
    sequence: { groupOrder: 3 },
  },
}

// What programs of others say of the worker: chosen by `npm run conformance` only.
const conformance = {
  extends: true as const,
  test: {
    name: 'conformance',
    include: ['test/conformance/**/*.test.ts'],
    testTimeout: 1_200_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
    sequence: { groupOrder: 2 },
  },
}

// Each test worker, and each thread and process that a test starts, loads the same modules: they are compiled once.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compile')
enableCompileCache(process.env['NODE_COMPILE_CACHE'])

/** The contract suites wait most of their time: begun last, they would be all that still runs at the end. */
class ContractsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isContract = (file: TestSpecification): number => Number(file.moduleId.includes('/test/contract/'))
    return (await super.sort(files)).toSorted((a, b) => isContract(b) - isContract(a))
  }
}

export default defineConfig({
  test: {
    // These bound a hang: each wait of a test ends by itself after a minute (`patienceMs`), and says what it waited for.
    testTimeout: 180_000,
    expect: { poll: { timeout: 60_000, interval: 10 } },
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    sequence: { sequencer: ContractsFirst },
    // Node loads the modules as the product does; Vite's runner would only transform what Node reads as it is.
    experimental: { viteModuleRunner: false },
    // Most tests wait more than they work: a worker a core would leave the cores idle. Those that load real servers run
    // after the others, and fewer at a time.
    projects: [
      {
        extends: true,
        // Modules of ours keep no state: the files of a worker share them.
        test: { name: 'fast', include: fast, isolate: false, maxWorkers: 3, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/{integration,cluster}/**/*.test.ts'],
          testTimeout: 300_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        // It uses every core by itself.
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      ...(process.env['SOAK'] === '1' ? [soak] : []),
      ...(process.env['CONFORMANCE'] === '1' ? [conformance] : []),
    ],
  },
})
