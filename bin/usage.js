// Plain JavaScript for Node 18 and later: the commands that need no packages, which run before any are installed.
import { readFileSync } from 'node:fs'

const usage = `penstock COMMAND

Run it:
  quickstart [--once]                            run a demo: Postgres to topics, Elasticsearch and S3
  worker [FILE.properties] [--set KEY=VALUE …]   run connectors, with the embedded broker or a Kafka cluster
  broker [--listen HOST:PORT] [--data DIR]       run only the broker
  hash-password [--token]                        hash a password or token from standard input, for rest.users.file

Steer a worker, or Kafka Connect:
  status                                         show what runs, how far it is behind, and what is wrong
  top                                            follow live what every connector moves
  why [CONNECTOR]                                say what keeps records from flowing, and what to type
  errors                                         show dead letters by cause, and deliver them again
  topics                                         list topics, and follow their records
  trace TOPIC KEY                                show how far the newest record of a key has come
  connectors                                     list, create, change, pause and restart connectors
  tasks                                          list and restart the tasks of connectors
  offsets                                        show, set and reset the offsets of connectors
  plugins                                        list what can be run, with all options
  loggers                                        show and set log levels
  import SOURCE                                  say what connectors of another Kafka Connect do here
  doctor                                         check this machine, the worker, and the servers of its connectors

Archives of the S3 sink:
  archive                                        prove that nothing is missing or changed

This command line:
  context                                        remember servers and how to log in
  completion SHELL                               print the script that completes commands in bash, zsh or fish
  version                                        print the version
  help                                           print this help

Run a command with --help for its options and examples.
`
const commands = [...usage.matchAll(/^ {2}([\w-]+)/gm)].map((match) => match[1])
const aliases = { '--help': 'help', '-h': 'help', '--version': 'version', '-v': 'version' }

/** Returns whether `a` becomes `b` by adding, removing or replacing at most `changes` letters. */
function isNear(a, b, changes) {
  if (changes < 0) return false
  if (a === '' || b === '') return a.length + b.length <= changes
  const [restA, restB] = [a.slice(1), b.slice(1)]
  if (a[0] === b[0]) return isNear(restA, restB, changes)
  return isNear(restA, b, changes - 1) || isNear(a, restB, changes - 1) || isNear(restA, restB, changes - 1)
}

/** Runs help, version and unknown commands. Returns the exit code, or null for any other command. */
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
  process.stderr.write(`penstock: unknown command "${command}"${hint}\n\n${usage}`)
  return 2
}
