// Makes dist/: the package as it is published, JavaScript with a package.json of its own.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const read = (path) => readFileSync(join(root, path), 'utf8')

rmSync(dist, { recursive: true, force: true })
const { status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (status !== 0) process.exit(1)

// The compiler rewrites the extensions of imports, but not of modules named by URL (threads, plugins, processes).
const forgotten = globSync('**/*.js', { cwd: dist }).filter((path) =>
  /new URL\(['"`][^'"`]*\.ts['"`]/.test(readFileSync(join(dist, path), 'utf8')),
)
if (forgotten.length > 0) {
  process.stderr.write(`these name TypeScript modules by URL, which dist does not have: ${forgotten.join(', ')}\n`)
  process.exit(1)
}

const assets = [
  'openapi.yaml',
  'docker-compose.yml',
  'LICENSE',
  'README.md',
  'dashboard',
  'bin/penstock.js',
  'bin/setup.js',
  'bin/usage.js',
]
for (const asset of assets.filter((each) => existsSync(join(root, each)))) {
  mkdirSync(dirname(join(dist, asset)), { recursive: true })
  cpSync(join(root, asset), join(dist, asset), { recursive: true })
}

const manifest = JSON.parse(read('package.json'))
for (const key of ['scripts', 'devDependencies', 'allowScripts', 'files']) delete manifest[key]
manifest.exports = { './api': { types: './src/api/index.d.ts', default: './src/api/index.js' } }
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
