import { expect, it } from 'vitest'
import { parseExact } from '../../../connectors/elasticsearch-sink/document/json-text.ts'
import { versionOf } from '../../../connectors/elasticsearch-sink/stored-values/stored-values.ts'

it.each([
  ['1', 1],
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', 9007199254740993n],
  // Exact as a double, as are all versions of rows that a snapshot read.
  ['9007199254740992', 9007199254740992n],
  ['9007213448257536', 9007213448257536n],
  ['9214364837600034815', 9214364837600034815n],
])("a stored version %s is in the form of a record's, so that equal ones are the same", (text, version) => {
  expect(versionOf(parseExact(text))).toBe(version)
})
