import { oneOfIgnoringCase, type ConfigDef, type ConfigValue, type Validator } from 'penstock/api'

import { s3 } from '../../s3-store/config/grouped-key.ts'

/** The tags of S3 have these limits, and an object has ten of them. */
const maxPairs = 10
const maxKeyLength = 128
const maxValueLength = 256

/** S3 refuses others, such as &. */
const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** Splits `key:value` at the first colon; null when there is none, or a part is too long or has characters that S3 refuses. */
export function tagOf(pair: string): readonly [key: string, value: string] | null {
  const at = pair.indexOf(':')
  const [key, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
  const fits = key.length <= maxKeyLength && value.length <= maxValueLength && allowed.test(key + value)
  return at < 1 || key === '' || !fits ? null : [key, value]
}

/** The tags that each object has. */
export const offsetTags = ['startOffset', 'endOffset', 'recordCount'] as const

const pairs: Validator = Object.assign(
  (_key: string, value: ConfigValue): string | null => {
    const given = Array.isArray(value) ? value.map(String) : []
    const wrong = given.find((pair) => tagOf(pair) === null)
    if (wrong !== undefined)
      return `${JSON.stringify(wrong)} is no tag. Write key:value, with at most ${maxKeyLength} and ${maxValueLength} characters: letters, numbers, spaces and _.:/=+-@`
    const names = new Set([...offsetTags, ...given.map((pair) => tagOf(pair)?.[0])])
    return names.size <= maxPairs ? null : `An object has at most ${maxPairs} tags, ${offsetTags.join(', ')} included`
  },
  { describe: 'a list of key:value' },
)

/** The options of the tags of objects. */
export const tagOptions = {
  's3.object.tagging': s3(
    'BOOLEAN',
    'Whether to tag objects, in a request after the one that makes each appear: startOffset and endOffset are the offsets of its first and its last record, recordCount is their number.',
    { importance: 'LOW', defaultValue: false },
  ),
  's3.object.tagging.key.value.pairs': s3(
    'LIST',
    'Further tags, as key:value. They replace those of s3.object.tagging with the same keys. A value may have colons.',
    { importance: 'LOW', defaultValue: [], validator: pairs },
  ),
  's3.object.behavior.on.tagging.error': s3(
    'STRING',
    'What happens when the store refuses tags: ignore logs it and counts the object in s3_untagged_objects_total, fail fails the task.',
    { importance: 'LOW', defaultValue: 'ignore', validator: oneOfIgnoringCase('ignore', 'fail') },
  ),
} as const satisfies ConfigDef
