import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

import { repositoryPaths } from '../tidy/source-file.ts'
import { recordingName } from './recording-name.ts'
import { hashOf, type TreeCopy } from './tree-copy.ts'

interface Manifest {
  /** A hash of the product: offsets of another one mean nothing. */
  readonly product: string
  /** A hash of each test file. */
  readonly tests: Readonly<Record<string, string>>
}

interface VitestReport {
  readonly testResults: readonly { readonly name: string; readonly status: string }[]
}

const limitMs = 1_800_000
const isProduct = (path: string): boolean => /^(src|connectors|plugins)\//.test(path)

/**
 * Brings the recordings in `directory` up to date: all of them when the product has changed, else those of the test files
 * that have. A file that fails without a mutation is named and takes no part.
 * @param paths the test files.
 */
export async function record(root: string, copy: TreeCopy, directory: string, paths: readonly string[]): Promise<void> {
  const manifestPath = join(directory, 'manifest')
  const known = existsSync(manifestPath) ? (JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest) : null
  const product = hashOf(root, repositoryPaths().filter(isProduct))
  const isSame = known?.product === product
  if (!isSame) rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const before = isSame ? (known?.tests ?? {}) : {}
  const tests = Object.fromEntries(paths.map((path) => [path, hashOf(root, [path])]))
  const stale = paths.filter((path) => before[path] !== tests[path])
  for (const path of stale) rmSync(join(directory, recordingName(path)), { force: true })
  if (stale.length > 0) await recordTests(copy, directory, stale)
  writeFileSync(manifestPath, JSON.stringify({ product, tests: { ...before, ...tests } } satisfies Manifest))
}

async function recordTests(copy: TreeCopy, directory: string, tests: readonly string[]): Promise<void> {
  process.stderr.write(`recording which code ${tests.length} test files run …\n`)
  const report = join(copy.directory, 'report.json')
  const environment = { MUTATION_RECORD: directory, MUTATION_REPORT: report, MUTATION_TESTS: tests.join(',') }
  const { output } = await copy.runTests(environment, limitMs)
  if (!existsSync(report)) throw new TypeError(`the tests did not run:\n${output}`)
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as VitestReport
  for (const { name, status } of testResults) {
    if (status === 'passed') continue
    const test = relative(copy.directory, name)
    process.stderr.write(`${test} fails without a mutation and takes no part\n`)
    rmSync(join(directory, recordingName(test)), { force: true })
  }
}
