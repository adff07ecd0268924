// Plain JavaScript for Node 18 and later, because it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Whether this is a checkout (with sources and a lockfile) and not an installed package. */
export const isCheckout = existsSync(join(root, 'package-lock.json')) && existsSync(join(root, 'src/api/index.ts'))

/** The Node 24 binary in the development dependency `node`. */
export const packagedNode = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch {
    return null
  }
}

/** Returns whether node_modules has the versions of the lockfile. Packages for other platforms may be missing. */
export function isInstalled() {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const present = readPackages(join(root, 'node_modules/.package-lock.json'))
  if (wanted === null || present === null || !existsSync(packagedNode)) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const found = present[path]
    return found === undefined ? entry.optional === true || entry.devOptional === true : found.version === entry.version
  })
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Acquires the lock by linking a complete file. Discards the lock of a process that has ended. */
function tryLock(path) {
  const own = `${path}.${process.pid}`
  writeFileSync(own, String(process.pid))
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    const holder = readHolder(path)
    if (holder !== null && !isAlive(holder)) discardLock(path, holder)
    return false
  } finally {
    rmSync(own, { force: true })
  }
}

function readHolder(path) {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

function discardLock(path, deadHolder) {
  const aside = `${path}.dead.${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  // If another process has acquired the lock between read and rename, put it back.
  if (readHolder(aside) !== deadHolder) linkSync(aside, path)
  rmSync(aside, { force: true })
}

const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

function withLock(action) {
  const lock = join(root, '.setup.lock')
  while (!tryLock(lock)) pause(100)
  try {
    action()
  } finally {
    rmSync(lock, { force: true })
  }
}

function install() {
  if (isInstalled()) return
  const count = Object.keys(readPackages(join(root, 'package-lock.json')) ?? {}).length
  process.stderr.write(
    `penstock: installing up to ${count} packages into ${join(root, 'node_modules')} with npm ci (once). If this takes\n` +
      'minutes, npm may not reach its registry: `npm ci --loglevel=http` shows why.\n',
  )
  const started = Date.now()
  const npm = process.env.npm_execpath
  const [command, first] = npm !== undefined && npm.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const { status, error } = spawnSync(
    command,
    [...first, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: root, stdio: ['ignore', 2, 2] },
  )
  if (error !== undefined || status !== 0) {
    throw new Error(`npm ci failed (${error?.message ?? `exit code ${status}`}). Run it in ${root} to see why.`)
  }
  if (!existsSync(packagedNode)) {
    throw new Error(`the package "node" has no binary. Allow its install script, then run: npm rebuild node`)
  }
  process.stderr.write(`penstock: installed in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

/** Installs missing packages in a checkout. One process installs, others wait. */
export function ensureInstalled() {
  if (!isCheckout || isInstalled()) return
  withLock(install)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    ensureInstalled()
  } catch (error) {
    process.stderr.write(`penstock: ${error.message}\n`)
    process.exitCode = 1
  }
}
