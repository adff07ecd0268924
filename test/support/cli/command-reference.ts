import { commandList } from '../../../src/cli/command/command-list.ts'
import { isGroup, jsonOption, optionsOf, remoteOptions, type Verb } from '../../../src/cli/command/command.ts'

const common = new Set([jsonOption, ...remoteOptions])

/** The Markdown of docs/reference/command-line.md that describes every command. */
export async function commandReference(): Promise<string> {
  const sections: string[] = []
  for (const [name, load] of Object.entries(commandList.commands)) {
    const command = await load()
    if (!isGroup(command)) sections.push(verbSection(`## penstock ${command.usage}`, command))
    else {
      sections.push(`## penstock ${name}\n\n${sentence(command.summary)}`)
      for (const verb of command.verbs) sections.push(verbSection(`### penstock ${name} ${verb.usage}`, verb))
    }
  }
  for (const [name, { usage }] of Object.entries(commandList.own))
    sections.push(`## penstock ${name}\n\n\`\`\`text\n${(await usage()).trim()}\n\`\`\``)
  return sections.join('\n\n')
}

function verbSection(title: string, verb: Verb): string {
  const own = optionsOf(verb).filter((option) => !common.has(option))
  const table = [
    '| option | meaning |',
    '|---|---|',
    ...own.map(({ flags, summary, choices }) => {
      const values = choices === undefined ? '' : ` (${choices.join(', ')})`
      return `| \`${flags}\` | ${cell(summary + values)} |`
    }),
  ]
  const examples = verb.examples.flatMap(([command, meaning]) => [`# ${meaning}`, `penstock ${command}`])
  return [
    title,
    [sentence(verb.summary), verb.detail].filter((part) => part !== undefined).join(' '),
    ...(own.length === 0 ? [] : [table.join('\n')]),
    ...(examples.length === 0 ? [] : [`\`\`\`text\n${examples.join('\n')}\n\`\`\``]),
  ].join('\n\n')
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
const cell = (text: string): string => text.replaceAll('|', '\\|')
