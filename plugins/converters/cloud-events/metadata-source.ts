import type { ConfigValue, Validator } from 'penstock/api'

/** Where an attribute is from: the value of the record, its headers, or what the converter makes of the source. */
type Origin = 'value' | 'header' | 'generate'

/** Where the attributes of events are from: `metadata.source`. */
export interface MetadataSource {
  /** Of what has no origin of its own: the source, the operation and the transaction. */
  readonly global: 'value' | 'header'
  readonly id: Origin
  readonly type: Origin
  readonly traceparent: Origin
  readonly dataSchemaName: Origin
}

const fields = ['id', 'type', 'traceparent', 'dataSchemaName'] as const
const origins: readonly string[] = ['value', 'header', 'generate'] satisfies readonly Origin[]

/** Returns the origins, or what is wrong with them. */
export function parseMetadataSource(items: readonly string[]): MetadataSource | string {
  const [first = '', ...others] = items
  const global = originOf(first)
  if (global !== 'value' && global !== 'header') return `The first item must be value or header, but is ${first}`
  const result = { global, id: global, type: global, traceparent: global, dataSchemaName: global } as {
    -readonly [K in keyof MetadataSource]: MetadataSource[K]
  }
  for (const item of others) {
    const [name = '', origin = ''] = item.split(':')
    const field = fields.find((known) => known === name)
    if (field === undefined) return `"${name}" has no source of its own; these have: ${fields.join(', ')}`
    const parsed = originOf(origin)
    if (parsed !== 'header' && parsed !== 'generate')
      return `The source of "${name}" must be header or generate, but is ${origin === '' ? 'missing' : origin}`
    result[field] = parsed
  }
  return result
}

function originOf(text: string): Origin | null {
  const lower = text.trim().toLowerCase()
  return origins.includes(lower) ? (lower as Origin) : null
}

/** Accepts lists like `value,id:generate,type:header`. */
export const validMetadataSource: Validator = Object.assign(
  (_key: string, value: ConfigValue): string | null => {
    const parsed = parseMetadataSource(Array.isArray(value) ? (value as readonly string[]) : [])
    return typeof parsed === 'string' ? parsed : null
  },
  { describe: 'value or header, then field:header or field:generate' },
)
