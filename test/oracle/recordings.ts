import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

import type { CaseJson, ResultJson } from './oracle-json.ts'

/** The result of a case. The digest shows that the case is still the one whose result was recorded. */
export interface Recording {
  readonly name: string
  readonly digest: string
  readonly result: ResultJson
}

const fileOf = (group: string): URL => new URL(`recorded/${group}.jsonl`, import.meta.url)

export function readRecordings(group: string): readonly Recording[] {
  const lines = readFileSync(fileOf(group), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Recording)
}

export function writeRecordings(group: string, recordings: readonly Recording[]): void {
  writeFileSync(fileOf(group), recordings.map((recording) => `${JSON.stringify(recording)}\n`).join(''))
}

export function recordingOf(one: CaseJson, result: ResultJson): Recording {
  return { name: one.name, digest: digestOf(one), result }
}

export function digestOf(one: CaseJson): string {
  return createHash('sha256').update(JSON.stringify(one)).digest('hex').slice(0, 8)
}
