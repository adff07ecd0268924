import { systemClock } from '../../../src/foundation/clock.ts'
import { run } from '../../../src/cli/command/run.ts'

/** What a command line printed, and how it ended. */
export interface CliResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly stdin?: string
  /** A terminal of so many columns, with a person who gives these replies. Absent: a pipe. */
  readonly columns?: number
  readonly replies?: readonly string[]
  readonly hasColors?: boolean
  /** Stands for Ctrl-C. */
  readonly interrupt?: AbortSignal
  /** Called with each text that is written. */
  readonly onWrite?: (text: string) => void
}

/** Runs `penstock` with these arguments in this process. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  let [out, err] = ['', '']
  const replies = [...(options.replies ?? [])]
  const isTerminal = options.columns !== undefined
  const code = await run(
    args,
    async () => ({
      terminal: {
        columns: options.columns ?? Number.POSITIVE_INFINITY,
        rows: isTerminal ? 24 : Number.POSITIVE_INFINITY,
        isInteractive: isTerminal,
        isTerminal,
        isErrorTerminal: isTerminal,
        hasColors: options.hasColors ?? false,
        write: (text) => {
          out += text
          options.onWrite?.(text)
        },
        writeError: (text) => (err += text),
      },
      env: options.env ?? {},
      clock: systemClock,
      stdin: async () => options.stdin ?? '',
      ask: async (question) => {
        err += question
        return replies.shift() ?? ''
      },
      interrupt: () => options.interrupt ?? new AbortController().signal,
    }),
    (text) => (err += text),
  )
  return { code, out, err }
}
