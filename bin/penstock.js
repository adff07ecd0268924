#!/usr/bin/env node
// The launcher, in plain JavaScript for Node 18 and later: installs missing packages, then switches to Node 24.
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

/** Ends this process within a second after its parent has ended. The parent holds the other end of the pipe. */
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

/** Runs the real process as a child: forwards signals to it, and ends as it does. */
function runAsParent(node, args) {
  const child = spawn(node, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...environment(), PENSTOCK_PARENT_FD: '3' },
  })
  // A terminal sends Ctrl-C to parent and child: forwarding it would send it twice.
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
 * glibc's malloc keeps freed memory in an arena per thread: tens of megabytes for an idle worker. It reads this setting only
 * when the process starts.
 */
function environment() {
  return process.platform === 'linux' ? { MALLOC_ARENA_MAX: '2', ...process.env } : process.env
}

/** Replaces this process by itself with the environment that is read only at the start. */
function restartWithEnvironment() {
  const isSet = process.platform !== 'linux' || process.env.MALLOC_ARENA_MAX !== undefined
  if (isSet || process.argv[2] !== 'worker' || typeof process.execve !== 'function') return
  const args = [process.execPath, ...process.execArgv, self, ...process.argv.slice(2)]
  process.execve(process.execPath, args, environment())
}

function switchNode() {
  if (!isCheckout) {
    const command = `npx --yes --package=node@${requiredMajor} --package=penstock penstock ${process.argv.slice(2).join(' ')}`
    fail(`Node.js ${requiredMajor} or later is required, this is ${process.version}. Run: ${command.trimEnd()}`)
  }
  const args = [...process.execArgv, self, ...process.argv.slice(2)]
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(packagedNode, [packagedNode, ...args], environment())
  }
  runAsParent(packagedNode, args)
}

async function run() {
  restartWithEnvironment()
  const parent = process.env.PENSTOCK_PARENT_FD
  if (parent !== undefined) {
    delete process.env.PENSTOCK_PARENT_FD
    watchParent(Number(parent))
  }
  const cache = process.env.PENSTOCK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'penstock')
  // The variable is for worker threads: Node has read it in this thread already.
  process.env.NODE_COMPILE_CACHE ??= join(cache, 'compile')
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  const entry = ['src/cli/main.ts', 'src/cli/main.js'].map((path) => join(root, path)).find((path) => existsSync(path))
  if (entry === undefined) fail(`${root} has no src/cli: the package is damaged. Reinstall it`)
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
  if (major < requiredMajor) switchNode()
  else await run()
}
