import { readFileSync } from 'node:fs'

/** Returns Penstock's version, from the package.json of the checkout or of the build. */
export function version(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { version: found } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        version?: string
      }
      if (found !== undefined) return found
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error
    }
  }
  return 'unknown'
}
