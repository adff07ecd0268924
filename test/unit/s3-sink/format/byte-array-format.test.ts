import { DataError, Logical, primitive, type ConnectValue, type RawConfig, type Schema } from 'penstock/api'
import { expect, it } from 'vitest'

import { formats } from '../../../../connectors/s3-sink/config/format-options.ts'
import { configDef } from '../../../../connectors/s3-sink/config/config.ts'
import { settingsOf } from '../../../../connectors/s3-sink/config/settings.ts'
import type { ObjectFormat } from '../../../../connectors/s3-sink/format/object-format.ts'
import { openFormat } from '../../../../connectors/s3-sink/format/open-format.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { appendTo, writtenObject } from '../../../support/s3/written-object.ts'

async function formatOf(settings: RawConfig = {}): Promise<ObjectFormat> {
  const raw = { 'format.class': formats.bytes, 'flush.size': '1', 's3.bucket.name': 'b', ...settings }
  return await openFormat(settingsOf(parseConfig(configDef, raw), raw).kinds.values)
}

const bytes = primitive('BYTES')
const values = [Buffer.from('one'), new Uint8Array([0, 10, 255]), Buffer.alloc(0)]

it.each<[string, RawConfig, string]>([
  ['a line feed', {}, 'one\n\u0000\nÿ\n\n'],
  ['any text, with its white space', { 'format.bytearray.separator': ' ;\t' }, 'one ;\t\u0000\nÿ ;\t ;\t'],
  ['nothing', { 'format.bytearray.separator': '' }, 'one\u0000\nÿ'],
])('the bytes of each record are followed by %s', async (_title, settings, expected) => {
  const format = await formatOf(settings)
  expect((await writtenObject(format, bytes, values)).toString('latin1')).toBe(expected)
  expect((await writtenObject(format, null, values)).toString('latin1')).toBe(expected)
})

it('the extension is that of the option, which gzip extends', async () => {
  expect((await formatOf()).extension).toBe('.bin')
  expect((await formatOf({ 'format.bytearray.extension': '.jpg' })).extension).toBe('.jpg')
})

it.each<[Schema | null, ConnectValue]>([
  [primitive('STRING'), 'text'],
  [primitive('BYTES', { name: Logical.decimal, parameters: { scale: '2' } }), '1.00'],
  [null, 'text'],
  [null, { a: 1 }],
])('a value of %j that is %j cannot be written, and nothing is', async (schema, value) => {
  const writer = (await formatOf()).begin(schema)
  appendTo(writer, null, Buffer.from('a'))
  expect(() => appendTo(writer, schema, value)).toThrow(DataError)
  expect(writer.finish().toString()).toBe('a\n')
})
