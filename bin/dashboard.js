// Bundles the dashboard. `npm run build` writes the files into dist/dashboard; in a checkout, the worker asks for them when a
// browser does.
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { build, stop } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Returns the texts of the files by name, and ends the bundler's process. */
export async function bundleDashboard() {
  const { files } = await bundledDashboard()
  await stop()
  return files
}

/** Returns the files with the inputs, whose licences the package names. */
export async function bundledDashboard() {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [
      { in: 'dashboard/main.tsx', out: 'app' },
      { in: 'dashboard/style/style.css', out: 'app' },
    ],
    outdir: 'dashboard',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
  const bundles = result.outputFiles.map(({ path, text }) => [basename(path), text])
  const page = readFileSync(join(root, 'dashboard/index.html'), 'utf8')
  return { files: { 'index.html': page, ...Object.fromEntries(bundles) }, inputs: Object.keys(result.metafile.inputs) }
}
