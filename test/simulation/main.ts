import { parseArgs } from 'node:util'

import { run } from './run.ts'

/* Runs seeds in this process: `node test/simulation/main.ts --seed 7 --trace`, or `--seed 1 --runs 100`. */

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    trace: { type: 'boolean' },
  },
})
const first = Number(values.seed)
const onLine = values.trace === true ? (line: string): void => console.log(line) : null
let failures = 0
for (let seed = first; seed < first + Number(values.runs); seed += 1) {
  const outcome = await run(seed, onLine)
  if (outcome.violations.length > 0) failures += 1
  console.log(JSON.stringify(outcome))
}
process.exitCode = failures === 0 ? 0 : 1
