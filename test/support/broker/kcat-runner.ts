import { spawn } from 'node:child_process'
import { patienceMs } from '../until.ts'

/** What a run of kcat gave. */
export interface KcatRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs kcat to its end; kills it after `timeoutMs`. */
export function runKcat(path: string, args: readonly string[], input = '', timeoutMs = patienceMs): Promise<KcatRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { timeout: timeoutMs, killSignal: 'SIGKILL' })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => undefined) // It may end before it has read everything; its code says so.
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    )
    child.stdin.end(input)
  })
}
