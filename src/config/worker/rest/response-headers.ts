import { ConfigError } from '../../../api/errors.ts'

// An import as an ES module would evaluate the module's lazy members.
const { validateHeaderName, validateHeaderValue } = process.getBuiltinModule('node:http')

export const responseHeadersKey = 'response.http.headers.config'

/** A header of every response of the REST API. */
export interface ResponseHeader {
  readonly name: string
  readonly value: HeaderValue
}

/** `afterMs`: a date that many milliseconds after the response. */
export type HeaderValue = { readonly text: string } | { readonly afterMs: number }

/** Headers that frame the response: a value of the configuration would break it. */
const framing: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Parses Kafka's `[action] [name]:[value]` rules, separated by commas; a rule that contains a comma is in double quotes. `set`
 * replaces earlier rules of that header, `add` adds a value; with `setDate` and `addDate` the value is in milliseconds from now.
 * @throws ConfigError naming the rule
 */
export function parseResponseHeaders(text: string): readonly ResponseHeader[] {
  let headers: ResponseHeader[] = []
  for (const rule of rulesOf(text)) {
    const { action, header } = parseRule(rule)
    const isSame = ({ name }: ResponseHeader): boolean => name.toLowerCase() === header.name.toLowerCase()
    if (action === 'set' || action === 'setDate') headers = headers.filter((earlier) => !isSame(earlier))
    headers.push(header)
  }
  return headers
}

/** Commas between double quotes belong to a rule; the quotes do not. */
function rulesOf(text: string): readonly string[] {
  const rules = text.match(/(?:"[^"]*"|[^",])+/g) ?? []
  return rules.map((rule) => rule.replaceAll('"', '').trim()).filter((rule) => rule !== '')
}

function parseRule(rule: string): { readonly action: string; readonly header: ResponseHeader } {
  const [, action = '', name = '', value = ''] = /^(\w+)\s+([^\s:]+)\s*:\s*(.*)$/.exec(rule) ?? []
  if (!['set', 'add', 'setDate', 'addDate'].includes(action)) {
    throw invalid(rule, 'it is not "[action] [name]:[value]" with the action set, add, setDate or addDate')
  }
  if (framing.has(name.toLowerCase())) throw invalid(rule, `${name} belongs to the response itself`)
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  } catch {
    throw invalid(rule, 'HTTP does not allow these characters in a header')
  }
  if (action === 'set' || action === 'add') return { action, header: { name, value: { text: value } } }
  if (!/^-?\d{1,15}$/.test(value)) throw invalid(rule, `${action} needs a number of milliseconds`)
  return { action, header: { name, value: { afterMs: Number(value) } } }
}

function invalid(rule: string, why: string): ConfigError {
  return new ConfigError(`Invalid value ${rule} for configuration ${responseHeadersKey}: ${why}`)
}
