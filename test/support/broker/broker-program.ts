import { runBrokerCommand } from '../../../src/cli/broker-command.ts'

// `penstock broker` as a process of its own, for tests that kill it.
process.exitCode = await runBrokerCommand(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  return 1
})
