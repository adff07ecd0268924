import { exitCodes } from '../foundation/process/exit-codes.ts'

/** The commands that bin/usage.js lists. Imported when called, so that each loads only its own modules. */
const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  worker: async (args) => await (await import('./worker-command.ts')).runWorkerCommand(args),
  broker: async (args) => await (await import('./broker-command.ts')).runBrokerCommand(args),
  'hash-password': async (args) => await (await import('./hash-password-command.ts')).runHashPasswordCommand(args),
  quickstart: async (args) => await (await import('../quickstart/quickstart.ts')).quickstart(args),
}

async function run([name = '', ...args]: readonly string[]): Promise<number> {
  const command = commands[name]
  if (command === undefined) {
    process.stderr.write(`penstock: unknown command "${name}"\n`)
    return exitCodes.failed
  }
  try {
    return await command(args)
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error))
    // An error that we raise explains itself; any other one is a bug, which its stack helps to find.
    const foreseen = reason.name !== 'Error' && !['TypeError', 'RangeError', 'AssertionError'].includes(reason.name)
    process.stderr.write(`penstock: ${foreseen ? reason.message : (reason.stack ?? reason.message)}\n`)
    return exitCodes.failed
  }
}

process.exitCode = await run(process.argv.slice(2))
