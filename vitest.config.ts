import { defineConfig } from 'vitest/config'

// `fast` is what `npm run test:fast` runs: no server but Postgres and our own broker.
const fast = ['unit', 'property', 'contract', 'golden', 'tidy'].map((kind) => `test/${kind}/**/*.test.ts`)

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    // Most tests wait more than they work: a worker a core would leave the cores idle. Those that load real servers run
    // after the others, and fewer at a time.
    projects: [
      { extends: true, test: { name: 'fast', include: fast, maxWorkers: 3, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/{integration,cluster}/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
