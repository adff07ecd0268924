import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The licences of the packages that a bundle holds, one after the other.
 * @param {string} root the directory that holds node_modules
 * @param {readonly string[]} inputs paths of bundled modules, relative to it
 * @throws Error when a package does not say its licence.
 */
export function licencesOf(root, inputs) {
  const packages = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))
  return [...packages]
    .toSorted()
    .map((path) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
      if (typeof license !== 'string') throw new Error(`${name} does not say its licence`)
      const texts = globSync('{LICENSE,LICENCE,license,NOTICE}*', { cwd: join(root, path) })
        .toSorted()
        .map((file) => readFileSync(join(root, path, file), 'utf8').trim())
      return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)
}
