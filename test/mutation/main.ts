import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { CoverageMap } from './coverage-map.ts'
import { mutantsOf, sampleOf, type Mutant } from './mutant.ts'
import { apply } from './mutations.ts'
import { record } from './recording.ts'
import { readSurvivors, survivorKey, writeSurvivors, type Survivor } from './survivors.ts'
import { hashOf, TreeCopy } from './tree-copy.ts'

/** The code in which a fault loses data, reorders it or writes something else. */
const coreFiles = [
  'src/foundation/{*,async/*}.ts',
  'src/runtime/*.ts',
  'src/runtime/task-thread/**/*.ts',
  'src/herder/**/*.ts',
  'src/storage/**/*.ts',
  'src/log/**/*.ts',
  'src/client/{producer,consumer,group}/*.ts',
  'src/broker/coordinator/**/*.ts',
  'connectors/postgres-source/{offsets,records,replication}/*.ts',
  'connectors/elasticsearch-sink/{bulk,document,ordering}/*.ts',
  'connectors/s3-sink/{object,partition}/*.ts',
]
const fastTests = ['test/{unit,property,contract,golden}/**/*.test.ts']
/** The tests of one mutant: more of them are left out, the likeliest to fail run first. */
const maxTestsMs = 45_000
const help = `npm run mutate -- [options]
  --files <glob>   mutate these files instead of the core (may be repeated)
  --tests <glob>   run these tests instead of all fast tests (may be repeated)
  --sample <n>     only so many mutants, chosen by the seed
  --seed <n>       of the sample, 1 unless given
  --workers <n>    mutants at a time, 2 unless given
  --list           print the mutants and end
  --fresh          forget the outcomes of earlier runs
`

type Verdict = 'killed' | 'timeout' | 'survived' | 'uncovered'

interface Outcome {
  readonly id: string
  readonly verdict: Verdict
  /** A hash of the tests that ran: a mutant that survived is tried again when they have changed. */
  readonly tests: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Outside of the checkout: `npm ci` empties what lies in node_modules. */
const cache = join(tmpdir(), 'penstock-mutation', createHash('sha1').update(root).digest('hex').slice(0, 12))
const outcomesPath = join(cache, 'outcomes.jsonl')
const documentPath = join(root, 'test/mutation/survivors.md')

function readOutcomes(): Map<string, Outcome> {
  if (!existsSync(outcomesPath)) return new Map()
  const lines = readFileSync(outcomesPath, 'utf8').trim().split('\n')
  const outcomes = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Outcome)
  return new Map(outcomes.map((outcome) => [outcome.id, outcome]))
}

/** The tests of a mutant, as many as fit the time. */
function chosenTests(coverage: CoverageMap, { path, mutation }: Mutant): { tests: readonly string[]; totalMs: number } {
  const tests: string[] = []
  let totalMs = 0
  for (const { test, durationMs } of coverage.testsAt(path, mutation.start)) {
    if (tests.length > 0 && totalMs + durationMs > maxTestsMs) continue
    tests.push(test)
    totalMs += durationMs
  }
  return { tests, totalMs }
}

async function tryMutant(copy: TreeCopy, mutant: Mutant, coverage: CoverageMap): Promise<Outcome> {
  const { tests, totalMs } = chosenTests(coverage, mutant)
  const { id, path, text, mutation } = mutant
  if (tests.length === 0) return { id, verdict: 'uncovered', tests: '' }
  copy.write(path, apply(text, mutation))
  try {
    const { passed } = await copy.runTests({ MUTATION_TESTS: tests.join(',') }, 30_000 + totalMs * 4)
    const verdict = passed === null ? 'timeout' : passed ? 'survived' : 'killed'
    return { id, verdict, tests: hashOf(copy.directory, tests) }
  } finally {
    copy.write(path, text)
  }
}

/** Tries the mutants, some at a time, and keeps each outcome as soon as it is known. */
async function tryAll(
  mutants: readonly Mutant[],
  copies: readonly TreeCopy[],
  coverage: CoverageMap,
): Promise<Map<string, Outcome>> {
  const outcomes = readOutcomes()
  const directory = copies[0]?.directory ?? root
  const isKnown = (mutant: Mutant): boolean => {
    const known = outcomes.get(mutant.id)
    if (known === undefined || known.verdict === 'uncovered') return false
    return known.verdict !== 'survived' || known.tests === hashOf(directory, chosenTests(coverage, mutant).tests)
  }
  const open = mutants.filter((mutant) => !isKnown(mutant))
  let done = 0
  let isStopping = false
  process.once('SIGINT', () => {
    isStopping = true
    process.stderr.write('stopping after the mutants in progress …\n')
  })
  const next = open.values()
  const work = async (copy: TreeCopy): Promise<void> => {
    for (const mutant of next) {
      if (isStopping) return
      const outcome = await tryMutant(copy, mutant, coverage)
      outcomes.set(outcome.id, outcome)
      appendFileSync(outcomesPath, `${JSON.stringify(outcome)}\n`)
      done += 1
      process.stdout.write(`${done}/${open.length} ${outcome.verdict} ${mutant.path}:${mutant.line} ${mutant.change}\n`)
    }
  }
  await Promise.all(copies.map(work))
  return outcomes
}

/** Rows of mutants that were not tried stay as long as their code does. */
function survivorsOf(mutants: readonly Mutant[], outcomes: ReadonlyMap<string, Outcome>): readonly Survivor[] {
  const before = existsSync(documentPath) ? readSurvivors(readFileSync(documentPath, 'utf8')) : []
  const reasons = new Map(before.map((survivor) => [survivorKey(survivor), survivor.reason]))
  const lives = ({ id }: Mutant): boolean => /survived|uncovered/.test(outcomes.get(id)?.verdict ?? '')
  const tried = new Set(mutants.filter(({ id }) => outcomes.has(id)).map(survivorKey))
  const paths = [...new Set(before.map(({ path }) => path))].filter((path) => existsSync(join(root, path)))
  const existing = new Set(mutantsOf(root, paths).map(survivorKey))
  const kept = before.filter((row) => existing.has(survivorKey(row)) && !tried.has(survivorKey(row)))
  const found = mutants.filter(lives).map((mutant) => {
    const { path, line, change, id } = mutant
    const note = outcomes.get(id)?.verdict === 'uncovered' ? 'no fast test runs it in its own thread' : ''
    return { path, line, change, reason: reasons.get(survivorKey(mutant)) || note }
  })
  return [...kept, ...found]
}

function countsOf(mutants: readonly Mutant[], outcomes: ReadonlyMap<string, Outcome>): string {
  const verdicts = mutants.flatMap(({ id }) => outcomes.get(id)?.verdict ?? [])
  const count = (verdict: Verdict): number => verdicts.filter((each) => each === verdict).length
  return (
    `${verdicts.length} mutants, ${count('killed')} killed, ${count('timeout')} killed by the time limit, ` +
    `${count('survived')} survived, ${count('uncovered')} in code that no fast test runs`
  )
}

interface RunOptions {
  readonly workers: number
  readonly tests: readonly string[]
  readonly command: string
}

async function run(mutants: readonly Mutant[], { workers, tests, command }: RunOptions): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const temporary = mkdtempSync(join(tmpdir(), 'penstock-mutation-'))
  try {
    const copies = Array.from({ length: workers }, (_, i) => new TreeCopy(root, join(temporary, String(i))))
    const [first] = copies
    if (first === undefined) throw new RangeError('--workers has to be 1 or more')
    const recordings = join(cache, 'coverage')
    await record(root, first, recordings, tests)
    const wanted = new Set(mutants.map(({ path }) => path))
    const coverage = new CoverageMap(recordings, tests, (path) => wanted.has(path))
    const outcomes = await tryAll(mutants, copies, coverage)
    const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
    const counts = countsOf(mutants, outcomes)
    const date = new Date().toISOString().slice(0, 10)
    const document = readFileSync(documentPath, 'utf8')
    writeFileSync(
      documentPath,
      writeSurvivors(document, { date, commit, command, counts }, survivorsOf(mutants, outcomes)),
    )
    process.stdout.write(`${counts}\nsurvivors: test/mutation/survivors.md\n`)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

const { values } = parseArgs({
  options: {
    files: { type: 'string', multiple: true },
    tests: { type: 'string', multiple: true },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    list: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(help)
} else {
  const paths = globSync(values.files ?? coreFiles, { cwd: root }).toSorted()
  const all = mutantsOf(root, paths)
  const mutants = values.sample === undefined ? all : sampleOf(all, Number(values.sample), Number(values.seed))
  if (values.fresh) rmSync(outcomesPath, { force: true })
  if (values.list) for (const { path, line, change } of mutants) process.stdout.write(`${path}:${line} ${change}\n`)
  else {
    const tests = globSync(values.tests ?? fastTests, { cwd: root })
    const command = `npm run mutate -- ${process.argv.slice(2).join(' ')}`
    await run(mutants, { workers: Number(values.workers), tests, command })
  }
}
