import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { expect, it } from 'vitest'

import { commandList } from '../../src/cli/command/command-list.ts'
import { isGroup, optionName, optionsOf } from '../../src/cli/command/command.ts'
import { exitCodes } from '../../src/foundation/process/exit-codes.ts'
import { commandReference } from '../support/cli/command-reference.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const place = `${root}docs/reference/command-line.md`

it('docs/reference/command-line.md describes the commands that there are', async () => {
  const document = readFileSync(place, 'utf8')
  const [begin, end] = ['<!-- commands -->\n', '\n<!-- /commands -->']
  const [from, to] = [document.indexOf(begin) + begin.length, document.indexOf(end)]
  const wanted = `${document.slice(0, from)}\n${await commandReference()}\n${document.slice(to)}`
  // `npm run docs` writes it.
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(place, wanted)
  else expect(document).toBe(wanted)
})

it('docs/reference/command-line.md lists the exit codes', () => {
  const document = readFileSync(place, 'utf8')
  const listed = [...document.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code))
  expect(listed).toEqual(Object.values(exitCodes))
})

it('the help that needs no packages lists the commands that there are', () => {
  const help = execFileSync(process.execPath, [`${root}bin/penstock.js`, '--help'], { encoding: 'utf8' })
  const listed = [...help.matchAll(/^ {2}([\w-]+)/gm)].map(([, name]) => name)
  const known = [...Object.keys(commandList.own), ...Object.keys(commandList.commands), 'version', 'help']
  expect(new Set(listed)).toEqual(new Set(known))
  expect(listed).toHaveLength(known.length)
})

it('each example of a command names options that it has', async () => {
  for (const [name, load] of Object.entries(commandList.commands)) {
    const command = await load()
    for (const verb of isGroup(command) ? command.verbs : [command]) {
      const known = optionsOf(verb).flatMap((option) =>
        [`--${optionName(option)}`].concat(/^-\w/.exec(option.flags)?.[0] ?? []),
      )
      for (const [example] of verb.examples) {
        const words = isGroup(command) ? [name, verb.usage.split(' ')[0]] : [name]
        expect(example.split(' ').slice(0, words.length), example).toEqual(words)
        expect(known, example).toEqual(expect.arrayContaining(example.match(/(?<= )--?[a-z][\w-]*/g) ?? []))
      }
    }
  }
})
