import { arrayOf, mapOf, primitive, struct } from 'penstock/api'
import { columnType, decodeText, textType, type ColumnType, type ValueModes } from './column-type.ts'
import { decodeGeometry, decodeHstoreJson, decodeHstoreMap, decodeVector } from './decode-scalar.ts'

/** Types of extensions, by name in whatever schema they are installed. */
export function extensionType(name: string, modes: ValueModes): ColumnType | null {
  switch (name) {
    case 'citext':
    case 'isbn':
      return textType(modes)
    case 'ltree':
      return textType(modes, decodeText, 'io.debezium.data.Ltree')
    case 'hstore':
      return hstoreType(modes)
    case 'geometry':
      return geometryType('Geometry')
    case 'geography':
      return geometryType('Geography')
    case 'vector':
      return vectorType('FLOAT64', 'io.debezium.data.DoubleVector')
    case 'halfvec':
      return vectorType('FLOAT32', 'io.debezium.data.FloatVector')
    default:
      return null
  }
}

function geometryType(name: 'Geometry' | 'Geography'): ColumnType {
  const schema = struct(
    [
      ['wkb', primitive('BYTES')],
      ['srid', primitive('INT32', { optional: true })],
    ],
    { name: `io.debezium.data.geometry.${name}`, version: 1, doc: name },
  )
  return columnType(schema, decodeGeometry, [Buffer.alloc(0), null])
}

function vectorType(element: 'FLOAT32' | 'FLOAT64', name: string): ColumnType {
  return columnType(arrayOf(primitive(element), { name, version: 1 }), decodeVector, [])
}

function hstoreType(modes: ValueModes): ColumnType {
  const word = modes.placeholder.toString('utf8')
  if (modes.hstore === 'json') {
    const schema = primitive('STRING', { name: 'io.debezium.data.Json', version: 1 })
    const placeholder = `{${JSON.stringify(word)}:${JSON.stringify(word)}}`
    return { ...columnType(schema, decodeHstoreJson, '{}'), placeholder }
  }
  const schema = mapOf(primitive('STRING'), primitive('STRING', { optional: true }))
  return { ...columnType(schema, decodeHstoreMap, new Map()), placeholder: new Map([[word, word]]) }
}
