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
    projects: [
      { extends: true, test: { name: 'fast', include: fast } },
      { extends: true, test: { name: 'servers', include: ['test/{integration,cluster}/**/*.test.ts'] } },
    ],
  },
})
