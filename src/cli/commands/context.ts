import { resolve } from 'node:path'

import type { Given, Group, Verb } from '../command/command.ts'
import { CommandError } from '../command/command-error.ts'
import {
  contextsFile,
  named,
  readContexts,
  withContext,
  withoutContext,
  writeContexts,
  type Context,
} from '../contexts/contexts.ts'
import { checkReference } from '../contexts/credentials.ts'
import { checkedUrl } from '../contexts/server-choice.ts'

const add: Verb = {
  usage: 'add NAME',
  summary: 'Remember a server under a name, or change it',
  detail:
    'Credentials are kept by reference: env:NAME is an environment variable, file:PATH a file. The secret itself is never ' +
    'written. The first context that is added becomes the current one.',
  options: [
    { flags: '--url URL', summary: 'the REST API of a worker' },
    { flags: '--token REFERENCE', summary: 'where the token is: env:NAME or file:PATH' },
    { flags: '--user USER', summary: 'the user name' },
    { flags: '--password REFERENCE', summary: 'where its password is: env:NAME or file:PATH' },
    { flags: '--ca FILE', summary: 'certificates to trust besides those of the system' },
    { flags: '--use', summary: 'make it the current context' },
  ],
  examples: [
    ['context add local --url http://127.0.0.1:8083', 'a worker on this machine'],
    ['context add prod --url https://connect.example.com --token env:PROD_TOKEN --use', 'one with a token'],
    [
      'context add team --url https://connect:8443 --user alice --password file:secrets/alice --ca ca.pem',
      'one with a user',
    ],
  ],
  isRemote: false,
  async run({ out, surroundings: { env } }, given) {
    const [file, name] = [contextsFile(env), given.word(0)]
    const context = contextOf(given)
    const all = withContext(readContexts(file), name, context)
    const changed = given.flag('use') ? { ...all, current: name } : all
    writeContexts(file, changed)
    const use = changed.current === name ? 'it is the current context' : `use it: penstock context use ${name}`
    out.result({ name, ...context }, () => [`${out.paint('green', '✔')} added ${name} (${context.url}); ${use}`])
  },
}

function contextOf(given: Given): Context {
  const [url, token, user] = [given.text('url'), given.text('token'), given.text('user')]
  const [password, ca] = [given.text('password'), given.text('ca')]
  if (url === null)
    throw new CommandError('--url URL is missing: the address of the REST API, such as http://127.0.0.1:8083')
  if (token !== null && user !== null) throw new CommandError('Give --token, or --user with --password, not both.')
  if ((user === null) !== (password === null)) throw new CommandError('--user and --password belong together.')
  if (token !== null) checkReference('--token', token)
  if (password !== null) checkReference('--password', password)
  return {
    url: checkedUrl(url, '--url'),
    ...(token === null ? {} : { token: absolute(token) }),
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { password: absolute(password) }),
    ...(ca === null ? {} : { ca: resolve(ca) }),
  }
}

/** A context is used from any directory. */
const absolute = (reference: string): string =>
  reference.startsWith('file:') ? `file:${resolve(reference.slice('file:'.length))}` : reference

const use: Verb = {
  usage: 'use NAME',
  summary: 'Make a context the current one: commands use its server',
  examples: [['context use prod', 'talk to prod from now on']],
  isRemote: false,
  async run({ out, surroundings: { env } }, given) {
    const [file, name] = [contextsFile(env), given.word(0)]
    const all = readContexts(file)
    const { url } = named(all, name)
    writeContexts(file, { ...all, current: name })
    out.result({ current: name, url }, () => [`${out.paint('green', '✔')} using ${name} (${url})`])
  },
}

const list: Verb = {
  usage: 'list',
  summary: 'List the contexts; the current one is marked',
  examples: [['context list', 'what is remembered']],
  isRemote: false,
  async run({ out, surroundings: { env } }) {
    const { current, contexts } = readContexts(contextsFile(env))
    const entries = Object.entries(contexts)
    out.result({ current, contexts }, () => {
      if (entries.length === 0) return ['There are no contexts. Add one: penstock context add NAME --url URL']
      const rows = entries.map(([name, { url, token, user, password }]) => [
        name === current ? '*' : '',
        name,
        url,
        token === undefined
          ? user === undefined
            ? 'none'
            : `user ${user}, password ${password ?? ''}`
          : `token ${token}`,
      ])
      const columns = [
        { title: '' },
        { title: 'NAME' },
        { title: 'URL', narrow: 'cut' },
        { title: 'CREDENTIALS', narrow: 'cut' },
      ]
      return out.table(columns as Parameters<typeof out.table>[0], rows)
    })
  },
}

const remove: Verb = {
  usage: 'remove NAME',
  summary: 'Forget a context',
  examples: [['context remove prod', 'forget it']],
  isRemote: false,
  async run({ out, surroundings: { env } }, given) {
    const file = contextsFile(env)
    writeContexts(file, withoutContext(readContexts(file), given.word(0)))
    out.result({ removed: given.word(0) }, () => [`${out.paint('green', '✔')} removed ${given.word(0)}`])
  },
}

export const context: Group = {
  name: 'context',
  summary: 'remember servers and how to log in',
  verbs: [add, use, list, remove],
}
