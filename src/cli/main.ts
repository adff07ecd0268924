import { systemClock } from '../foundation/clock.ts'
import { exitCodes } from '../foundation/process/exit-codes.ts'
import { run } from './command/run.ts'
import type { Surroundings } from './command/session.ts'

async function surroundings(): Promise<Surroundings> {
  const { processTerminal } = await import('./output/terminal.ts')
  // `penstock … | head` ends the reader first.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done)
    throw error
  })
  return {
    terminal: processTerminal(),
    env: process.env,
    clock: systemClock,
    stdin: async () => await (await import('node:stream/consumers')).text(process.stdin),
    ask,
    interrupt: () => {
      const controller = new AbortController()
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
      return controller.signal
    },
  }
}

async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await terminal.question(question)
  } finally {
    terminal.close()
  }
}

process.exitCode = await run(process.argv.slice(2), surroundings, (text) => process.stderr.write(text))
