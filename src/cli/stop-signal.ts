const stopSignals = ['SIGINT', 'SIGTERM'] as const

/**
 * Resolves at the first signal that asks the process to stop. The system handles the next one and ends the process
 * immediately. SIGHUP is such a signal when the terminal has closed. A process without a terminal (nohup, a service)
 * ignores it, because Node resets the disposition that nohup has set.
 * @param onIgnored called for each ignored SIGHUP
 */
export function stopSignal(onIgnored: () => void, hasTerminal: boolean = onTerminal()): Promise<void> {
  return new Promise((resolve) => {
    const signals = hasTerminal ? [...stopSignals, 'SIGHUP' as const] : stopSignals
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
