import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { service } from '../services.ts'

/** Returns the records of an Avro container file as fastavro's program prints them, which needs the service `fastavro`. */
export async function readWithFastavro(file: Buffer): Promise<unknown[]> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-fastavro-'))
  const path = join(directory, 'object.avro')
  const program = service('fastavro')
  try {
    writeFileSync(path, file)
    const { stdout } = await promisify(execFile)(program, [path], {
      env: { ...process.env, PYTHONPATH: dirname(dirname(program)) },
      maxBuffer: 256 * 1024 * 1024,
    })
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
