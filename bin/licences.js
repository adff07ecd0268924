import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Returns the licence texts of all packages in a bundle.
 * @param {string} root the directory that holds node_modules
 * @param {readonly string[]} inputs paths of bundled modules, relative to it
 * @throws Error if a package does not name its licence.
 */
export function licencesOf(root, inputs) {
  const packages = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))
  return [...packages]
    .toSorted()
    .map((path) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
      if (typeof license !== 'string') throw new Error(`${name} does not name its licence`)
      const texts = globSync('{LICENSE,LICENCE,license,NOTICE}*', { cwd: join(root, path) })
        .toSorted()
        .map((file) => readFileSync(join(root, path, file), 'utf8').trim())
      return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)
}
