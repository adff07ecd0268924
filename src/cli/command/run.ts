import { exitCodes } from '../../foundation/process/exit-codes.ts'
import { commandList } from './command-list.ts'
import { CommandError } from './command-error.ts'
import type { Surroundings } from './session.ts'

/**
 * Runs a command line, and returns the exit code. An error is written to standard error.
 * @param surroundings made for commands that use them
 */
export async function run(
  [name = '', ...args]: readonly string[],
  surroundings: () => Promise<Surroundings>,
  writeError: (text: string) => void,
): Promise<number> {
  try {
    const own = Object.hasOwn(commandList.own, name) ? commandList.own[name] : undefined
    if (own !== undefined) return await own.run(args)
    const load = Object.hasOwn(commandList.commands, name) ? commandList.commands[name] : undefined
    if (load === undefined) throw new CommandError(`unknown command "${name}"`)
    const [{ runCommand }, command] = await Promise.all([import('./program.ts'), load()])
    return await runCommand(name, command, {
      words: args,
      surroundings: await surroundings(),
      list: commandList,
    })
  } catch (error) {
    const reason = error instanceof Error ? error : new TypeError(String(error))
    // An error that we raise explains itself; any other one is a bug, which its stack helps to find.
    const foreseen = reason.name !== 'Error' && !['TypeError', 'RangeError', 'AssertionError'].includes(reason.name)
    writeError(`penstock: ${foreseen ? reason.message : (reason.stack ?? reason.message)}\n`)
    return error instanceof CommandError ? error.exitCode : exitCodes.failed
  }
}
