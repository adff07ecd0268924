import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')

/** A fenced block of shell commands in a document. */
export interface CommandBlock {
  readonly document: string
  readonly text: string
  /** Marked `sh background`: runs beside the blocks that follow. */
  readonly background: boolean
}

/** The shell blocks of a document of the repository, in order. */
export function commandBlocks(document: string): CommandBlock[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```sh( background)?\n([^]*?)^```$/gm)].map(([, background, commands = '']) => ({
    document,
    text: commands,
    background: background !== undefined,
  }))
}

/** The examples of output in a document: its `text` blocks, each on one line. */
export function examplesOf(document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```text\n([^]*?)^```$/gm)].map(([, example = '']) => oneLine(example))
}

/** Lines are broken for readers. */
export function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}

/** The documents whose commands have to work. */
export function documentsWithCommands(): string[] {
  const guides = readdirSync(join(root, 'docs/guides')).filter((name) => name.endsWith('.md'))
  return ['README.md', ...guides.map((name) => `docs/guides/${name}`)]
}

/** Replaces the addresses that a document writes by those of a test run. */
export function substitute(text: string, addresses: Readonly<Record<string, string>>): string {
  return Object.entries(addresses).reduce((result, [written, real]) => result.replaceAll(written, real), text)
}
