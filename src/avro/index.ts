// Avro for the connectors and converters of this package, imported as `penstock/avro`: the schemas that Confluent's AvroData makes
// of Connect schemas, and the other way round, and Connect data in Avro's binary encoding. Importing it loads avsc.

export { avroOptions, type AvroOptions } from './avro-options.ts'
export { Names } from './names.ts'
export { parseAvro, whyUnreadable, type AvroSchema } from './parse-avro.ts'

// Schemas
export { avroOfConnect } from './schema/avro-of-connect.ts'
export { connectOfAvro, isAnything } from './schema/connect-of-avro.ts'

// Data
export { anythingText, readAnything, writeAnything } from './binary/anything.ts'
export { writeBytes, writeInteger, writeText } from './binary/avro-bytes.ts'
export { AvroCursor } from './binary/avro-cursor.ts'
export { avroReader, type AvroReader } from './binary/avro-reader.ts'
export { avroWriter } from './binary/avro-writer.ts'
export { unlike, type AvroWriter } from './binary/primitive-writers.ts'
