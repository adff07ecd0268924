import { ConfigError, DataError, fieldOf, lastHeader, type ConnectValue, type SinkRecord } from 'penstock/api'
import { documentId } from './document-id.ts'
import { isObject, jsonOf, parseExact } from './json-text.ts'

/** What a template can use of a record. */
export type TemplatePart = 'topic' | 'partition' | 'offset' | 'key' | 'value' | 'header' | 'timestamp'

/** The record of a template. */
export type TemplateRecord = Pick<
  SinkRecord,
  'topic' | 'originalPartition' | 'originalOffset' | 'key' | 'keySchema' | 'headers' | 'timestamp'
>

/** A text with placeholders for parts of a record, such as `{topic}-{key.id}`. */
export interface RecordTemplate {
  readonly text: string
  readonly uses: ReadonlySet<TemplatePart>
  /** @param document the JSON of the document; null for a deletion. @throws DataError when the record lacks a part. */
  render(record: TemplateRecord, document: string | null): string
}

type Piece = (record: TemplateRecord, document: string | null) => string

const forms = '{topic}, {partition}, {offset}, {key}, {key.FIELD}, {value.FIELD}, {header.NAME} and {timestamp:PATTERN}'

/** Compiles a template. @throws ConfigError when it has another form. */
export function parseTemplate(text: string): RecordTemplate {
  const pieces: Piece[] = []
  const uses = new Set<TemplatePart>()
  let end = 0
  for (const match of text.matchAll(/\{([^{}]*)\}/g)) {
    pieces.push(literal(text, end, match.index))
    const { part, piece } = placeholder(match[1] ?? '')
    uses.add(part)
    pieces.push(piece)
    end = match.index + match[0].length
  }
  pieces.push(literal(text, end, text.length))
  return { text, uses, render: (record, document) => pieces.map((piece) => piece(record, document)).join('') }
}

function literal(text: string, start: number, end: number): Piece {
  const between = text.slice(start, end)
  if (/[{}]/.test(between))
    throw new ConfigError(`'${text}' has a brace without its other one. Placeholders are ${forms}`)
  return () => between
}

function placeholder(inside: string): { readonly part: TemplatePart; readonly piece: Piece } {
  const [part = '', name = ''] = /^([a-z]+)[.:]?(.*)$/.exec(inside)?.slice(1) ?? []
  switch (part) {
    case 'topic':
      if (inside === part) return { part, piece: ({ topic }) => topic }
      break
    case 'partition':
      if (inside === part) return { part, piece: ({ originalPartition }) => String(originalPartition) }
      break
    case 'offset':
      if (inside === part) return { part, piece: ({ originalOffset }) => String(originalOffset) }
      break
    case 'key':
      if (inside === part) return { part, piece: ({ keySchema, key }) => documentId(keySchema, key) }
      if (inside === `key.${name}`) return { part, piece: (record) => present(keyField(record, name), inside) }
      break
    case 'value':
      if (inside === `value.${name}` && name !== '')
        return { part, piece: (_record, document) => present(valueField(document, name.split('.')), inside) }
      break
    case 'header':
      if (inside === `header.${name}` && name !== '')
        return { part, piece: ({ headers }) => present(lastHeader(headers, name)?.value, inside) }
      break
    case 'timestamp':
      if (inside === `timestamp:${name}`) return { part, piece: time(name, inside) }
      break
  }
  throw new ConfigError(`the placeholder {${inside}} is not known. Placeholders are ${forms}`)
}

function keyField({ keySchema, key }: TemplateRecord, name: string): ConnectValue | undefined {
  if (keySchema === null) return isObject(key) ? key[name] : undefined
  const index = keySchema.type === 'STRUCT' ? fieldOf(keySchema, name)?.index : undefined
  return index !== undefined && Array.isArray(key) ? (key[index] as ConnectValue) : undefined
}

function valueField(document: string | null, path: readonly string[]): ConnectValue | undefined {
  let value = document === null ? undefined : (parseExact(document) as ConnectValue | undefined)
  for (const name of path) value = isObject(value) ? value[name] : undefined
  return value
}

function present(value: ConnectValue | undefined, inside: string): string {
  if (value === undefined || value === null)
    throw new DataError(`the record has no {${inside}}, which a template of the sink uses`, { code: 'ES_TEMPLATE' })
  return typeof value === 'string' ? value : jsonOf(value)
}

/** Year, month, day and hour in UTC: `yyyy`, `MM`, `dd`, `HH`. */
function time(pattern: string, inside: string): Piece {
  if (pattern === '' || /[A-Za-z]/.test(pattern.replaceAll(/yyyy|MM|dd|HH/g, '')))
    throw new ConfigError(`{${inside}} is not a pattern of yyyy, MM, dd and HH`)
  return ({ timestamp }) => {
    if (timestamp === null) throw new DataError(`the record has no timestamp for {${inside}}`, { code: 'ES_TEMPLATE' })
    const date = new Date(timestamp)
    return pattern
      .replaceAll('yyyy', String(date.getUTCFullYear()).padStart(4, '0'))
      .replaceAll('MM', String(date.getUTCMonth() + 1).padStart(2, '0'))
      .replaceAll('dd', String(date.getUTCDate()).padStart(2, '0'))
      .replaceAll('HH', String(date.getUTCHours()).padStart(2, '0'))
  }
}
