const orders = ['SIGINT', 'SIGTERM'] as const

/**
 * Resolves at the first signal that asks the process to end; the next one is the system's to handle, and ends it at once.
 * SIGHUP is such a signal where a terminal has gone. A process that never had one (nohup, a service) goes on: Node forgets
 * that nohup had SIGHUP ignored.
 * @param onIgnored is told of a SIGHUP that is not taken
 */
export function stopSignal(onIgnored: () => void, hasTerminal: boolean = onTerminal()): Promise<void> {
  return new Promise((resolve) => {
    const signals = hasTerminal ? [...orders, 'SIGHUP' as const] : orders
    const stop = (): void => {
      for (const name of signals) process.off(name, stop)
      resolve()
    }
    for (const name of signals) process.on(name, stop)
    if (!hasTerminal) process.on('SIGHUP', () => onIgnored())
  })
}

function onTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY)
}
