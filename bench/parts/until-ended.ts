import { setTimeout as delay } from 'node:timers/promises'
import type { WatchedProcess } from '../../src/servers/process/watchdog.ts'

/** Waits for the end of a process. The watchdog alone would not keep this process alive. */
export async function untilEnded({ exited }: WatchedProcess): Promise<void> {
  while ((await Promise.race([exited, delay(100, null)])) === null);
}
