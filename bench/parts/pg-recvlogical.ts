import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { BenchError } from './bench-error.ts'

const debianDirectory = '/usr/lib/postgresql'

/** `pg_recvlogical` of PGBIN, PATH, or Debian's directory (the newest version). */
export function recvlogicalBinary(): string {
  const debian = existsSync(debianDirectory)
    ? readdirSync(debianDirectory)
        .toSorted((a, b) => Number(b) - Number(a))
        .map((version) => join(debianDirectory, version, 'bin'))
    : []
  const directories = [process.env['PGBIN'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter), ...debian]
  for (const directory of directories) {
    const file = join(directory, 'pg_recvlogical')
    if (directory !== '' && existsSync(file)) return file
  }
  throw new BenchError(
    'pg_recvlogical was not found: set PGBIN to the directory of the Postgres binaries, or install the Postgres client of your distribution',
  )
}
