// Plain JavaScript for Node 18 and later: what needs no packages is served before any are installed.
import { readFileSync } from 'node:fs'

const usage = `penstock COMMAND

  worker [FILE.properties] [--set KEY=VALUE …]   run connectors; the log is embedded unless bootstrap.servers names a cluster
  broker [--listen HOST:PORT] [--data DIR]       run the log alone
  quickstart [--once]                            a demo: Postgres to the log, to Elasticsearch and to S3
  version                                        print the version
  help                                           print this

Add --help to a command for its options.
`
const commands = [...usage.matchAll(/^ {2}(\w+)/gm)].map((match) => match[1])
const aliases = { '--help': 'help', '-h': 'help', '--version': 'version', '-v': 'version' }

/** Whether at most `changes` letters of `a` have to be added, removed or replaced to make it `b`. */
function isNear(a, b, changes) {
  if (changes < 0) return false
  if (a === '' || b === '') return a.length + b.length <= changes
  const [restA, restB] = [a.slice(1), b.slice(1)]
  if (a[0] === b[0]) return isNear(restA, restB, changes)
  return isNear(restA, b, changes - 1) || isNear(a, restB, changes - 1) || isNear(restA, restB, changes - 1)
}

/** Serves help, version and commands that do not exist; the exit code, or null for a command that has to be run. */
export function serveWithoutPackages(name = 'help') {
  const command = Object.hasOwn(aliases, name) ? aliases[name] : name
  if (command === 'help') {
    process.stdout.write(usage)
    return 0
  }
  if (command === 'version') {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    process.stdout.write(`penstock ${manifest.version}\n`)
    return 0
  }
  if (commands.includes(command)) return null
  const meant = commands.find((each) => isNear(command, each, 2))
  const hint = meant === undefined ? '' : `; did you mean "${meant}"?`
  process.stderr.write(`penstock: there is no command "${command}"${hint}\n\n${usage}`)
  return 2
}
