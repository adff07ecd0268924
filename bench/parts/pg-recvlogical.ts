import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { BenchError } from './bench-error.ts'

const debianFolder = '/usr/lib/postgresql'

/** `pg_recvlogical` of PGBIN, PATH, or Debian's folder (the newest version). */
export function recvlogicalBinary(): string {
  const debian = existsSync(debianFolder)
    ? readdirSync(debianFolder)
        .toSorted((a, b) => Number(b) - Number(a))
        .map((version) => join(debianFolder, version, 'bin'))
    : []
  const folders = [process.env['PGBIN'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter), ...debian]
  for (const folder of folders) {
    const file = join(folder, 'pg_recvlogical')
    if (folder !== '' && existsSync(file)) return file
  }
  throw new BenchError(
    'pg_recvlogical was not found: set PGBIN to the folder of the Postgres binaries, or install the Postgres client of your distribution',
  )
}
