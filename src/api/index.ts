// What authors of plugins import as `penstock/api`. Each name is a promise: what nobody outside needs is not here.

// The contracts
export type * from './connector.ts'
export type * from './converter.ts'
export type * from './task.ts'
export * from './errors.ts'
export type { TopicPartition } from '../foundation/topic-partition.ts'

// Records, schemas, configurations
export * from './config-def.ts'
export * from './record.ts'
export * from './schema.ts'
export * from './validators.ts'

// What a task is given
export { systemClock, type Clock } from '../foundation/clock.ts'
export type { Logger } from '../foundation/logging/logger.ts'
export type { Counter, Gauge, Histogram, Labels, TaskMetrics } from '../foundation/metrics/metrics.ts'

// Values as Kafka Connect and Java write them
export { decimalFromBytes, decimalTextOf, decimalToBytes, unscaledDecimal } from './decimal.ts'
export { javaDoubleText, javaFloatText } from './java/java-number.ts'
export { javaRegExp, type JavaRegexOptions } from './java/java-regex.ts'
export { javaText } from './java/java-text.ts'

// JSON that keeps every digit
export { ByteSink } from './json/byte-sink.ts'
export { isJsonObject, parseJson, utf8, type ExactNumber, type JsonObject, type JsonValue } from './json/json-parse.ts'
export { holdsDecimal, jsonReader, type JsonReader, type JsonReadOptions } from './json/json-read.ts'
export { schemaFromJson, schemaToJson } from './json/json-schema.ts'
export { isArray, isMap, keepJsonText, plainJson } from './json/json-text.ts'
export { jsonWriter, type JsonWriteOptions, type JsonWriter } from './json/json-write.ts'

// Small helpers that tasks share
export { assert, AssertionError, present } from '../foundation/assert.ts'
export { backoffMs, type Backoff } from '../foundation/async/backoff.ts'
export { BoundedQueue } from '../foundation/async/bounded-queue.ts'
export { errorMessage } from '../foundation/error-message.ts'
export { deferred, type Deferred } from '../foundation/async/deferred.ts'
