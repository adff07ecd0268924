import { readFileSync } from 'node:fs'

/** The lines of a file of test/oracle/registry: schemas, or what Java says of them. */
export function oracleLines<T>(file: string): readonly T[] {
  const text = readFileSync(new URL(`../../oracle/registry/${file}`, import.meta.url), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}
