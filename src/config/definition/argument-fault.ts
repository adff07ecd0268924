import { parseArgs, type ParseArgsConfig } from 'node:util'

import { nearestKey } from './nearest-key.ts'

/**
 * Returns the problem of the command line of `penstock COMMAND`; null if it is valid.
 * @param hint a sentence to add to the message about an unknown option.
 */
export function argumentFault(command: string, config: ParseArgsConfig, hint = ''): string | null {
  const { options = {}, allowPositionals = false } = config
  const { tokens } = parseArgs({ ...config, strict: false, tokens: true })
  const more = `All options: penstock ${command} --help`
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      if (!allowPositionals) return `${command} takes no argument "${token.value}". ${more}`
      continue
    }
    const { name, rawName, value, inlineValue } = token
    const option = Object.hasOwn(options, name) ? options[name] : undefined
    if (option === undefined) {
      const nearest = nearestKey(name, Object.keys(options))
      const meant = nearest === null ? '' : `; did you mean "--${nearest}"?`
      return `${command} has no option "${rawName}"${meant === '' ? '.' : meant} ${hint === '' ? '' : `${hint} `}${more}`
    }
    if (option.type === 'boolean' && value !== undefined) return `${rawName} takes no value, not "${value}". ${more}`
    if (option.type === 'string' && (value === undefined || (!inlineValue && value.startsWith('-'))))
      return `${rawName} needs a value. ${more}`
  }
  return null
}
