import type { CommandList } from './command.ts'

/** The commands, in the order of help. */
export const commandList: CommandList = {
  commands: {
    status: async () => (await import('../commands/watch/status.ts')).status,
    top: async () => (await import('../commands/watch/top.ts')).top,
    why: async () => (await import('../commands/watch/why.ts')).why,
    errors: async () => (await import('../commands/errors.ts')).errors,
    topics: async () => (await import('../commands/topics/topics.ts')).topics,
    trace: async () => (await import('../commands/topics/trace.ts')).trace,
    connectors: async () => (await import('../commands/connectors/connectors.ts')).connectors,
    tasks: async () => (await import('../commands/tasks.ts')).tasks,
    offsets: async () => (await import('../commands/offsets.ts')).offsets,
    plugins: async () => (await import('../commands/plugins.ts')).plugins,
    loggers: async () => (await import('../commands/loggers.ts')).loggers,
    archive: async () => (await import('../commands/archive/archive.ts')).archive,
    context: async () => (await import('../commands/context.ts')).context,
    import: async () => (await import('../commands/import.ts')).importConnectors,
    doctor: async () => (await import('../commands/doctor.ts')).doctor,
    completion: async () => (await import('../commands/completion.ts')).completion,
  },
  own: {
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
  },
}
