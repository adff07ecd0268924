import type { Command } from './command.ts'

/** The commands of this process, in the order of help. Imported when used, so that each loads only its own modules. */
export const commandList: Readonly<Record<string, () => Promise<Command>>> = {
  connectors: async () => (await import('../commands/connectors/connectors.ts')).connectors,
  tasks: async () => (await import('../commands/tasks.ts')).tasks,
  offsets: async () => (await import('../commands/offsets.ts')).offsets,
  plugins: async () => (await import('../commands/plugins.ts')).plugins,
  loggers: async () => (await import('../commands/loggers.ts')).loggers,
  context: async () => (await import('../commands/context.ts')).context,
  completion: async () => (await import('../commands/completion.ts')).completion,
}

/** Commands that parse their own arguments, each with its usage. */
export const ownCommandList = {
  worker: {
    run: async (args: readonly string[]) => await (await import('../worker-command.ts')).runWorkerCommand(args),
    usage: async () => (await import('../worker-command.ts')).usage,
  },
  broker: {
    run: async (args: readonly string[]) => await (await import('../broker-command.ts')).runBrokerCommand(args),
    usage: async () => (await import('../broker-command.ts')).usage,
  },
  'hash-password': {
    run: async (args: readonly string[]) =>
      await (await import('../hash-password-command.ts')).runHashPasswordCommand(args),
    usage: async () => (await import('../hash-password-command.ts')).usage,
  },
  quickstart: {
    run: async (args: readonly string[]) => await (await import('../../quickstart/quickstart.ts')).quickstart(args),
    usage: async () => (await import('../../quickstart/options.ts')).usage,
  },
} as const
