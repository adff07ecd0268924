import type { ConfigDef, ConfigKey, ConfigValue } from 'penstock/api'

/** The options of a ConfigDef as the Markdown that stands in a connector's README. */
export function optionsTable(def: ConfigDef): string {
  const served: string[] = []
  const refused: string[] = []
  for (const [name, key] of Object.entries(def)) {
    if (key.internal === true) continue
    if (key.unsupported === undefined)
      served.push(`| \`${name}\` | ${key.type} | ${defaultText(key)} | ${cell(meaning(key))} |`)
    else refused.push(`| \`${name}\` | ${cell(key.unsupported)} |`)
  }
  const lines = ['| option | type | default | meaning |', '|---|---|---|---|', ...served]
  if (refused.length > 0) lines.push('', 'Known and refused, by name:', '', '| option | why |', '|---|---|', ...refused)
  return lines.join('\n')
}

/** The document with what stands between its option marks replaced; null when it has no marks. */
export function withOptions(document: string, table: string): string | null {
  const begin = '<!-- options -->\n'
  const end = '\n<!-- /options -->'
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) return null
  return `${document.slice(0, from + begin.length)}\n${table}\n${document.slice(to)}`
}

function defaultText(key: ConfigKey): string {
  if (key.defaultValue === undefined) return '**required**'
  if (key.defaultValue === null) return ''
  const text = valueText(key.defaultValue)
  return text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``
}

function valueText(value: ConfigValue): string {
  return Array.isArray(value) ? value.join(',') : String(value)
}

function meaning(key: ConfigKey): string {
  const refused = Object.entries(key.unsupportedValues ?? {}).filter(
    ([value], _i, all) => value === value.toLowerCase() || !all.some(([other]) => other === value.toLowerCase()),
  )
  return [key.doc, ...refused.map(([value, reason]) => `\`${value}\` is refused: ${reason}.`)].join(' ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')
}
