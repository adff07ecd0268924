import { writeFileSync } from 'node:fs'

import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with the plain line `N passed, N failed, N skipped`; a file or hook that breaks counts as a failure, `todo` as skipped. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      const failedBefore = count.failed
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed' || state === 'failed') count[state] += 1
        else count.skipped += 1
      }
      if (module.state() === 'failed' && count.failed === failedBefore) count.failed += 1
    }
    const line = `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`
    process.stdout.write(`\n${line}\n`)
    const file = process.env['TEST_COUNT_FILE']
    if (file !== undefined) writeFileSync(file, `${line}\n`)
  }
}
