#!/usr/bin/env node
// Plain JavaScript for Node 18 and later: sets up what is missing, then hands over to Node 24.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { Socket } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { ensureInstalled, isCheckout, packagedNode } from './setup.js'
import { serveWithoutPackages } from './usage.js'

const self = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))
const requiredMajor = 24
const major = Number(process.versions.node.split('.')[0])

function fail(message) {
  process.stderr.write(`penstock: ${message}\n`)
  process.exit(1)
}

/** Ends this process within a second of its parent's end; the parent holds the other end of the pipe. */
function watchParent(fd) {
  const end = () => {
    process.kill(process.pid, 'SIGTERM')
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 900)
  }
  const pipe = new Socket({ fd, readable: true, writable: false })
  pipe
    .on('error', () => {})
    .on('close', end)
    .resume()
    .unref()
}

/** Stays as the parent of the real process: hands signals down, and its end up. */
function runAsParent(node, args) {
  const child = spawn(node, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...environment(), PENSTOCK_PARENT_FD: '3' },
  })
  // A terminal sends Ctrl-C to parent and child alike: handing it down would be a second one.
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
  const forward = (signal) => {
    if (!(onTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT'))) child.kill(signal)
  }
  for (const signal of signals) process.on(signal, forward)
  child.on('error', (error) => fail(`cannot run ${node}: ${error.message}`))
  child.on('exit', (code, signal) => {
    for (const name of signals) process.off(name, forward)
    if (signal === null) process.exit(code ?? 1)
    process.kill(process.pid, signal)
  })
}

/**
 * glibc gives every thread an arena of its own and keeps what is freed in each: tens of megabytes for a worker at rest.
 * It reads its settings once, when the process begins.
 */
function environment() {
  return process.platform === 'linux' ? { MALLOC_ARENA_MAX: '2', ...process.env } : process.env
}

/** Begins again, in the same process, with the settings that only a beginning takes. */
function settle() {
  const settled = process.platform !== 'linux' || process.env.MALLOC_ARENA_MAX !== undefined
  if (settled || process.argv[2] !== 'worker' || typeof process.execve !== 'function') return
  const args = [process.execPath, ...process.execArgv, self, ...process.argv.slice(2)]
  process.execve(process.execPath, args, environment())
}

function handOver() {
  if (!isCheckout) {
    const command = `npx --yes --package=node@${requiredMajor} --package=penstock penstock ${process.argv.slice(2).join(' ')}`
    fail(`Node.js ${requiredMajor} or later is needed, this is ${process.version}. Run: ${command.trimEnd()}`)
  }
  const args = [...process.execArgv, self, ...process.argv.slice(2)]
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(packagedNode, [packagedNode, ...args], environment())
  }
  runAsParent(packagedNode, args)
}

async function run() {
  settle()
  const parent = process.env.PENSTOCK_PARENT_FD
  if (parent !== undefined) {
    delete process.env.PENSTOCK_PARENT_FD
    watchParent(Number(parent))
  }
  const cache = process.env.PENSTOCK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'penstock')
  // Worker threads read the variable, this thread is past that.
  process.env.NODE_COMPILE_CACHE ??= join(cache, 'compile')
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  const entry = ['src/cli/main.ts', 'src/cli/main.js'].map((path) => join(root, path)).find((path) => existsSync(path))
  if (entry === undefined) fail(`${root} has no src/cli: the package is damaged, install it again`)
  await import(pathToFileURL(entry).href)
}

const served = serveWithoutPackages(process.argv[2])
if (served !== null) {
  process.exitCode = served
} else {
  try {
    ensureInstalled()
  } catch (error) {
    fail(error.message)
  }
  if (major < requiredMajor) handOver()
  else await run()
}
