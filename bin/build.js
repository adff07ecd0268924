// Builds dist/, or the directory in the argument: the package as it is published. Every process and thread gets a bundle, so
// that it loads a few files rather than 500.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

import { bundledDashboard } from './dashboard.js'
import { licencesOf } from './licences.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = resolve(process.argv[2] ?? join(root, 'dist'))
const read = (path) => readFileSync(join(root, path), 'utf8')
const manifest = JSON.parse(read('package.json'))

/** What other packages import: `penstock/api` and `penstock/testing`. */
const doors = ['api', 'testing']
/** Native modules cannot be bundled, so they stay dependencies of the package. */
const native = ['@node-rs/crc32', 'lz4-napi', 'snappy']
/** Optional dependencies of bundled packages that are not used. */
const absent = ['pg-native', 'pg-cloudflare', 'apache-arrow']

/**
 * Imports that nothing calls, and who makes them: most of the weight of the packages. `HttpConnection` of the Elasticsearch
 * client does not use undici. The REST API gives fastify servers of its own and no schemas.
 */
const unused = [
  [/^undici$/, ''],
  [/^(?:light-my-request|@fastify\/ajv-compiler|@fastify\/fast-json-stringify-compiler)$/, 'fastify'],
  [/^node:(?:https|http2)$/, 'fastify'],
]

/** Entries of processes and threads that share no modules. An author's tests load the suites, and no worker does. */
const programs = [
  'src/testing/index.ts',
  'src/broker/broker-thread.ts',
  'src/log/disk/disk-sync-thread.ts',
  'src/servers/process/watchdog-process.ts',
]
/** Entries that are loaded in one thread share modules, so that classes of `penstock/api` exist once. */
const threads = [
  'src/api/index.ts',
  'src/runtime/task-thread/task-thread-entry.ts',
  'src/runtime/plugin-thread/plugin-thread-entry.ts',
  ...pluginModules(),
]

function pluginModules() {
  const text = read('src/plugin/built-in-plugins.ts')
  return [...new Set([...text.matchAll(/'((?:connectors|plugins)\/[^']+)'/g)].map(([, path]) => `${path}.ts`))]
}

/** What the Elasticsearch sink calls of its client. The other namespaces are most of the client's bytes, and left out. */
const calledOfClient = new Set(['bulk.js', 'cat.js', 'cluster.js', 'get.js', 'indices.js', 'info.js', 'mget.js'])

/** Where a module of ours lies, whatever file it is bundled into; `packageRoot` becomes the way from that file to dist/. */
const packageRoot = '__PENSTOCK_PACKAGE_ROOT__/'

/** Preserves `import.meta.url` of the sources, and bundles packages that are required on first use. */
const sources = {
  name: 'sources',
  setup(setup) {
    setup.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path.includes('/node_modules/')) return null
      const url = `${path.slice(root.length).replace(/\.ts$/, '.js')}`
      const contents = readFileSync(path, 'utf8')
        .replaceAll(/^.*\brequire = createRequire\(import\.meta\.url\)$/gm, '')
        .replaceAll('import.meta.url', `new URL('${packageRoot}${url}', import.meta.url).href`)
      return { contents, loader: 'ts' }
    })
    setup.onResolve({ filter: /^penstock\/(?:api|avro)$/ }, ({ path }) => ({
      path: join(root, `src/${basename(path)}/index.ts`),
    }))
    for (const [filter, importedBy] of unused)
      setup.onResolve({ filter }, ({ path, importer }) =>
        importer.includes(`/node_modules/${importedBy}`) ? { path, namespace: 'empty' } : null,
      )
    setup.onLoad({ filter: /@elastic\/elasticsearch\/lib\/api\/api\// }, ({ path }) =>
      calledOfClient.has(basename(path)) ? null : { contents: 'module.exports = {}', loader: 'js' },
    )
    setup.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'module.exports = {}', loader: 'js' }))
  },
}

/** @param {string | null} chunks the directory of what several entries share; null: each is complete in itself */
async function bundle(entries, chunks) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outbase: '.',
    outdir: dist,
    ...(chunks === null ? {} : { splitting: true, chunkNames: `${chunks}/[name]-[hash]` }),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    external: [...native, ...absent],
    plugins: [sources],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'\nconst require = __createRequire(import.meta.url)",
    },
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
  })
  for (const { path, text } of result.outputFiles) {
    const depth = path.slice(dist.length + 1).split('/').length - 1
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text.replaceAll(packageRoot, depth === 0 ? './' : '../'.repeat(depth)))
  }
  return Object.keys(result.metafile.inputs)
}

/** The bundler does not follow modules that are named by URL (threads, plugins, processes), nor rewrites their extensions. */
function refuseForgotten() {
  const forgotten = globSync('**/*.js', { cwd: dist }).filter((path) =>
    /new URL\(['"`][^'"`]*\.ts['"`]/.test(readFileSync(join(dist, path), 'utf8')),
  )
  if (forgotten.length === 0) return
  process.stderr.write(`these name TypeScript modules by URL, which dist does not have: ${forgotten.join(', ')}\n`)
  process.exit(1)
}

/** The types of `penstock/api` and `penstock/testing`, which authors of plugins compile against. */
function writeTypes() {
  const { status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', dist], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(1)
  const wanted = new Set()
  const follow = (path) => {
    if (wanted.has(path)) return
    wanted.add(path)
    for (const [, to] of readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g))
      follow(join(dirname(path), to.replace(/\.(?:js|ts)$/, '.d.ts')))
  }
  for (const door of doors) follow(join(dist, `src/${door}/index.d.ts`))
  for (const path of globSync('**/*.d.ts', { cwd: dist }).map((each) => join(dist, each)))
    if (!wanted.has(path)) rmSync(path)
}

/** What the page at /docs loads. */
const swaggerUi = ['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt'].map(
  (file) => `node_modules/swagger-ui-dist/${file}`,
)

function copyAssets() {
  const assets = [
    'openapi.yaml',
    'docker-compose.yml',
    'LICENSE',
    'README.md',
    'bin/penstock.js',
    'bin/setup.js',
    'bin/usage.js',
  ]
  for (const asset of assets.filter((each) => existsSync(join(root, each)))) {
    mkdirSync(dirname(join(dist, asset)), { recursive: true })
    cpSync(join(root, asset), join(dist, asset), { recursive: true })
  }
  for (const file of swaggerUi) cpSync(join(root, file), join(dist, 'src/rest/docs/swagger-ui', basename(file)))
}

function writeDashboard(files) {
  mkdirSync(join(dist, 'dashboard'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dist, 'dashboard', name), text)
}

function writeManifest() {
  const { scripts: _s, devDependencies: _d, allowScripts: _a, files: _f, ...published } = manifest
  const dependencies = Object.fromEntries(
    Object.entries(manifest.dependencies).filter(([name]) => native.includes(name)),
  )
  const exports = Object.fromEntries(
    doors.map((door) => [`./${door}`, { types: `./src/${door}/index.d.ts`, default: `./src/${door}/index.js` }]),
  )
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ ...published, dependencies, exports }, null, 2)}\n`)
}

rmSync(dist, { recursive: true, force: true })
writeTypes()
const inputs = [
  ...(await bundle(['src/cli/main.ts'], 'chunks/main')),
  ...(await bundle(threads, 'chunks/thread')),
  ...(await bundle(programs, null)),
]
const dashboard = await bundledDashboard()
refuseForgotten()
copyAssets()
writeDashboard(dashboard.files)
writeManifest()
writeFileSync(join(dist, 'THIRD-PARTY-LICENCES'), licencesOf(root, [...inputs, ...dashboard.inputs, ...swaggerUi]))
