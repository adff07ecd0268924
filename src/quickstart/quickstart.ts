import { errorMessage } from '../foundation/error-message.ts'
import { systemClock } from '../foundation/clock.ts'
import { exitCodes } from '../foundation/process/exit-codes.ts'
import { askForConsent } from './consent.ts'
import { parseOptions, usage } from './options.ts'
import { QuickstartRun } from './quickstart-run.ts'
import { Report } from './report.ts'

/**
 * Runs `penstock quickstart`: starts all servers, shows the path of a row, and runs until it is stopped.
 * @returns the exit code: 0 if all steps succeeded, 2 if one failed or the command line is invalid, 130 if interrupted
 * before the end.
 */
export async function quickstart(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController()
  const onSignal = (): void => interrupt.abort()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  let run: QuickstartRun | null = null
  try {
    const options = parseOptions(args, process.env)
    if (options === null) {
      process.stdout.write(usage)
      return exitCodes.done
    }
    const { signal } = interrupt
    const interactive = process.stdin.isTTY && process.stderr.isTTY
    await askForConsent(options, { input: process.stdin, output: process.stderr, interactive }, signal)
    const report = new Report({
      json: options.json,
      colors: process.stdout.isTTY && process.stdout.hasColors(),
      clock: systemClock,
      signal,
      write: (line) => process.stdout.write(`${line}\n`),
    })
    run = await QuickstartRun.open(options, report, signal)
    const complete = await run.demonstrate()
    signal.throwIfAborted()
    if (!options.once) await run.stay()
    return complete ? exitCodes.done : exitCodes.failed
  } catch (error) {
    if (interrupt.signal.aborted) return 130
    process.stderr.write(`penstock: ${errorMessage(error)}\n`)
    return exitCodes.failed
  } finally {
    await run?.close()
  }
}
