import { exitCodes } from './exit-codes.ts'
import { version } from './version.ts'

const usage = `penstock COMMAND

  worker [FILE.properties] [--set KEY=VALUE …]   run connectors; the log is embedded unless bootstrap.servers names a cluster
  broker [--listen HOST:PORT] [--data DIR]       run the log alone
  quickstart [--once]                            a demo: Postgres to the log, to Elasticsearch and to S3
  version                                        print the version

Add --help to a command for its options.
`

/** Imported when called: each command pays for its own modules only. */
const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  worker: async (args) => await (await import('./worker-command.ts')).runWorkerCommand(args),
  broker: async (args) => await (await import('./broker-command.ts')).runBrokerCommand(args),
  quickstart: async (args) => await (await import('./quickstart/quickstart.ts')).quickstart(args),
  version: async () => print(`penstock ${version()}\n`),
  help: async () => print(usage),
}

function print(text: string): number {
  process.stdout.write(text)
  return exitCodes.done
}

async function run([name = 'help', ...args]: readonly string[]): Promise<number> {
  const command = commands[{ '--help': 'help', '-h': 'help', '--version': 'version' }[name] ?? name]
  if (command === undefined) {
    process.stderr.write(`penstock: there is no command "${name}"\n\n${usage}`)
    return exitCodes.usage
  }
  try {
    return await command(args)
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error))
    // What we raise on purpose says all that helps; anything else is a fault of ours, and its stack does.
    const foreseen = reason.name !== 'Error' && !['TypeError', 'RangeError', 'AssertionError'].includes(reason.name)
    process.stderr.write(`penstock: ${foreseen ? reason.message : (reason.stack ?? reason.message)}\n`)
    return exitCodes.failed
  }
}

process.exitCode = await run(process.argv.slice(2))
