import {
  ConfigError,
  javaRegExp,
  type ConfigDef,
  type ConnectRecord,
  type ParsedConfig,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { Expression } from '../../expressions/expression.ts'
import { remembered } from '../../record/struct-shape.ts'
import { debeziumTransform } from '../envelope.ts'
import { chosenText, oneOfTexts, regex, required, textOrNull } from '../settings.ts'

const nullModes = ['keep', 'drop', 'evaluate'] as const
const maxTopics = 1000

/** The names that Java's engines of JavaScript have, in lower case. */
const javascriptNames = new Set(['graal.js', 'graaljs', 'graal-js', 'js', 'javascript', 'ecmascript', 'nashorn'])

/** What to do with a record, of what its expression says. */
export type Outcome = <R extends ConnectRecord>(record: R, expression: Expression) => R | null

/** The setting that has the expression. */
interface ExpressionSetting {
  readonly name: string
  readonly displayName: string
  readonly doc: string
}

/** Describes a transform of Debezium that evaluates an expression for each record. */
export function scriptingTransform(name: string, setting: ExpressionSetting, outcome: Outcome): TransformPlugin {
  return debeziumTransform(name, configDef(setting), (config) => {
    const source = String(config[setting.name])
    return new ScriptingTransform(expressionOf(String(config['language']), source, setting.name), config, outcome)
  })
}

function configDef({ name, displayName, doc }: ExpressionSetting): ConfigDef {
  return {
    'topic.regex': {
      type: 'STRING',
      defaultValue: null,
      importance: 'LOW',
      doc: 'The regular expression for the whole name of a topic. Records of other topics are not changed. If it is not set, the expression is evaluated for all.',
      displayName: 'Topic regex',
      width: 'LONG',
      order: 1,
      validator: regex,
    },
    language: {
      type: 'STRING',
      importance: 'HIGH',
      doc: 'The language of the expression: `jsr223.groovy`, or `jsr223.graal.js` for JavaScript. A subset of each is supported, see below.',
      displayName: 'Expression language',
      width: 'MEDIUM',
      order: 1,
      validator: required,
    },
    [name]: { type: 'STRING', importance: 'HIGH', doc, displayName, width: 'MEDIUM', order: 1, validator: required },
    'null.handling.mode': {
      type: 'STRING',
      defaultValue: 'keep',
      importance: 'LOW',
      doc: "What happens to a record without a value, a tombstone: 'keep' passes it on, 'drop' drops it, 'evaluate' evaluates the expression for it.",
      displayName: 'Handle null records',
      width: 'SHORT',
      order: 1,
      validator: oneOfTexts(...nullModes),
      recommended: nullModes,
    },
  }
}

/** @throws ConfigError for a language that is not supported, and for an expression that is not */
function expressionOf(language: string, source: string, setting: string): Expression {
  const name = language.startsWith('jsr223.') ? language.slice('jsr223.'.length).toLowerCase() : null
  if (name === null && !language.startsWith('wasm.'))
    throw new ConfigError("Value for option 'language' must begin with 'jsr223.', e.g. 'jsr223.groovy'", {
      key: 'language',
    })
  if (name === 'groovy') return compiled(source, 'groovy', setting)
  if (name !== null && javascriptNames.has(name)) return compiled(source, 'javascript', setting)
  throw new ConfigError(`language: "${language}" is not supported; use jsr223.groovy or jsr223.graal.js`, {
    key: 'language',
  })
}

function compiled(source: string, language: 'groovy' | 'javascript', setting: string): Expression {
  try {
    return new Expression(source, language)
  } catch (cause) {
    if (cause instanceof ConfigError) throw new ConfigError(`${setting}: ${cause.message}`, { cause, key: setting })
    throw cause
  }
}

class ScriptingTransform implements Transform {
  readonly #expression: Expression
  readonly #topics: RegExp | null
  readonly #nulls: (typeof nullModes)[number]
  readonly #outcome: Outcome
  readonly #chosen = new Map<string, boolean>()

  constructor(expression: Expression, config: ParsedConfig, outcome: Outcome) {
    this.#expression = expression
    const topics = textOrNull(config['topic.regex'])
    this.#topics = topics === null ? null : javaRegExp(topics, { whole: true })
    this.#nulls = chosenText(config['null.handling.mode'], nullModes)
    this.#outcome = outcome
  }

  apply<R extends ConnectRecord>(record: R): R | null {
    if (!this.#isChosen(record.topic)) return record
    if (record.value === null && this.#nulls !== 'evaluate') return this.#nulls === 'keep' ? record : null
    return this.#outcome(record, this.#expression)
  }

  #isChosen(topic: string): boolean {
    const topics = this.#topics
    return topics === null || remembered(this.#chosen, topic, maxTopics, () => topics.test(topic))
  }
}
