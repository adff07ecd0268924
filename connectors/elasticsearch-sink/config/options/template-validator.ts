import { errorMessage, type Validator } from 'penstock/api'
import { parseTemplate } from '../../document/record-template.ts'
import { parseDefinition } from '../../indices/index-definition.ts'

/** A template of record parts; empty for none. */
export const template: Validator = Object.assign(problemOf(parseTemplate), {
  describe: 'Text with placeholders such as {topic} and {key.FIELD}',
})

/** The definition of an index as JSON; empty for none. */
export const definition: Validator = Object.assign(problemOf(parseDefinition), {
  describe: 'JSON object with settings and mappings',
})

function problemOf(parse: (text: string) => unknown): Validator {
  return (_key, value) => {
    const text = String(value ?? '')
    try {
      if (text !== '') parse(text)
      return null
    } catch (error) {
      return errorMessage(error)
    }
  }
}
