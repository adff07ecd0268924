import { existsSync, readFileSync } from 'node:fs'

/** The whole lines that a file sink has written; none before it has made the file. */
export function writtenLines(path: string): readonly string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
}
