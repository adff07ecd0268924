import { errorMessage } from '../../foundation/error-message.ts'
import { readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'

import { parseProperties } from '../../api/java/java-properties.ts'
import { CommandError } from '../command/command-error.ts'
import type { Config } from '../rest-client/entities.ts'

/** A connector that a file describes. */
export interface ConnectorDocument {
  readonly name: string
  /** With `name`, as Kafka Connect keeps it. */
  readonly config: Config
  /** The state that it begins in, when it is created: RUNNING, PAUSED or STOPPED; null when the file does not say. */
  readonly initialState: string | null
  /** Where it is: `orders.json`, `all.yaml (2)`. */
  readonly place: string
}

/** Reads the connectors of files; `-` is standard input. @throws CommandError that names the file and what is wrong in it */
export async function connectorsOf(
  files: readonly string[],
  stdin: () => Promise<string>,
): Promise<readonly ConnectorDocument[]> {
  const all: ConnectorDocument[] = []
  for (const file of files) all.push(...(await parsedConnectors(file === '-' ? await stdin() : read(file), file)))
  for (const [at, { name, place }] of all.entries()) {
    const other = all.slice(0, at).find((each) => each.name === name)
    if (other !== undefined) throw new CommandError(`The connector "${name}" is in ${other.place} and in ${place}.`)
  }
  return all
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${errorMessage(error)}`)
  }
}

/**
 * The connectors in a text: JSON or YAML of `{name, config}`, a flat config, a list of them, `{NAME: {info}}` as
 * `GET /connectors?expand=info` returns it, or a KafkaConnector of Strimzi; or a properties file of connect-standalone.
 * @param file its name: the ending says what it is, and without a `name` the config has that of the file
 * @throws CommandError
 */
export async function parsedConnectors(text: string, file: string): Promise<readonly ConnectorDocument[]> {
  const values = await valuesOf(text, file)
  const flat = values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : expanded(value)))
  if (flat.length === 0) throw new CommandError(`${file} has no connector in it.`)
  return flat.map((value, at) => documentOf(value, { file, place: flat.length === 1 ? file : `${file} (${at + 1})` }))
}

async function valuesOf(text: string, file: string): Promise<readonly unknown[]> {
  const ending = extname(file).toLowerCase()
  try {
    if (ending === '.properties') return [parseProperties(text)]
    if (ending === '.json' || /^\s*[[{]/.test(text)) return [parsedJson(text)]
    const { parseAllDocuments } = await import('yaml')
    // Without a schema, everything stays the text that it is in the file: 1.0, 0x10, yes.
    const documents = parseAllDocuments(text, { schema: 'failsafe' })
    const values = documents.map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0]
      return document.toJS() as unknown
    })
    const isText = values.length === 1 && typeof values[0] === 'string'
    return isText ? [parseProperties(text)] : values.filter((value) => value !== null && value !== '')
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${errorMessage(error)}`)
  }
}

/** Numbers stay the text that they are in the file: 9007199254740993, 1.0. */
function parsedJson(text: string): unknown {
  const keep = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value
  return JSON.parse(text, keep)
}

type PlainObject = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `{NAME: {info: {…}}}` as a list of its connectors; anything else as it is. */
function expanded(value: unknown): readonly unknown[] {
  if (!isObject(value)) return [value]
  const entries = Object.values(value)
  const isExpanded = entries.length > 0 && entries.every((each) => isObject(each) && isObject(each['info']))
  return isExpanded ? entries.map((each) => (each as PlainObject)['info']) : [value]
}

function documentOf(
  value: unknown,
  { file, place }: { readonly file: string; readonly place: string },
): ConnectorDocument {
  if (!isObject(value)) throw new CommandError(`${place} is not a connector: an object with its options is expected.`)
  const { name: given, config, initialState } = isStrimzi(value) ? ofStrimzi(value) : ofConnect(value)
  const options = textsOf(config, place)
  const own = (options['name'] ?? '').trim()
  const name = given ?? (own === '' ? basename(file, extname(file)) : own)
  if (given !== null && own !== '' && own !== given)
    throw new CommandError(`${place} names its connector "${given}", and its config names it "${own}".`)
  if (name === '' || name === '-') throw new CommandError(`${place} has no name: add "name" to its config.`)
  return { name, config: { ...options, name }, initialState, place }
}

interface Parts {
  readonly name: string | null
  readonly config: PlainObject
  readonly initialState: string | null
}

function ofConnect(value: PlainObject): Parts {
  const { name, config, initial_state: state } = value
  if (!isObject(config)) return { name: null, config: value, initialState: null }
  return {
    name: typeof name === 'string' ? name.trim() : null,
    config,
    initialState: typeof state === 'string' ? state.toUpperCase() : null,
  }
}

const isStrimzi = (value: PlainObject): boolean => value['kind'] === 'KafkaConnector' && isObject(value['spec'])

/** https://strimzi.io/docs/operators/latest/configuring#type-KafkaConnector-reference */
function ofStrimzi({ metadata, spec }: PlainObject): Parts {
  const { class: className, tasksMax, config = {}, state, pause } = spec as PlainObject
  const name = isObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : null
  const states: Readonly<Record<string, string>> = { paused: 'PAUSED', stopped: 'STOPPED', running: 'RUNNING' }
  return {
    name,
    config: {
      'connector.class': className,
      ...(tasksMax === undefined ? {} : { 'tasks.max': tasksMax }),
      ...(isObject(config) ? config : {}),
    },
    initialState: String(pause) === 'true' ? 'PAUSED' : (states[String(state)] ?? null),
  }
}

function textsOf(config: PlainObject, place: string): Config {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
        return [key, String(value)]
      const what = value === null || value === undefined ? 'no value' : 'a nested value'
      throw new CommandError(`${place}: the option "${key}" has ${what}; options of connectors are texts.`)
    }),
  )
}
