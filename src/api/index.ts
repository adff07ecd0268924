// The public API for plugins, imported as `penstock/api`. Every export has to stay compatible, so only what plugins need is here.

// The contracts
export type * from './config-provider.ts'
export type * from './connector.ts'
export type * from './converter.ts'
export type * from './diagnosis/finding.ts'
export type * from './task.ts'
export {
  ConfigError,
  ConnectError,
  DataError,
  NotReadyError,
  RetriableError,
  type ErrorDetails,
  type Stage,
} from './errors.ts'
export type { TopicPartition } from '../foundation/topic-partition.ts'

// Records, schemas, configurations
export * from './config-def.ts'
export * from './record.ts'
export * from './schema.ts'
export {
  allOf,
  atLeast,
  between,
  javaRegex,
  listOf,
  nonEmptyList,
  nonEmptyString,
  nonNull,
  nullOr,
  oneOf,
  oneOfIgnoringCase,
  uniqueList,
} from './validators.ts'

// Services for tasks
export { systemClock, type Clock } from '../foundation/clock.ts'
export type { Logger } from '../foundation/logging/logger.ts'
export type { Counter, Gauge, Histogram, Labels, TaskMetrics } from '../foundation/metrics/metrics.ts'

// Value formats of Kafka Connect and Java
export {
  decimalFromBytes,
  decimalParts,
  decimalTextOf,
  decimalToBytes,
  smallUnscaledDecimal,
  unscaledDecimal,
} from './decimal.ts'
export { int64Form } from './java/int64-form.ts'
export { closestFloat, parseJavaFloating } from './java/java-floating.ts'
export { javaDoubleText, javaFloatText } from './java/java-number.ts'
export { parseProperties } from './java/java-properties.ts'
export { javaRegExp, type JavaRegexOptions } from './java/java-regex.ts'
export { javaText } from './java/java-text.ts'
export { javaUrlEncoded } from './java/java-url-encoding.ts'
export { headerText } from './java/header-text.ts'
export { parseHeaderText } from './parse-header-text.ts'

// What binary formats share
export { atPath, misfit } from './binary/misfit.ts'
export { checkParts, type SchemaText } from './binary/schema-text.ts'
export { TextMemo } from './binary/text-memo.ts'
export { checkWellFormed, readText, writeShortText } from './binary/utf8-text.ts'

// JSON without loss of precision
export { ByteSink } from './json/byte-sink.ts'
export { isJsonObject, parseJson, utf8, type ExactNumber, type JsonObject, type JsonValue } from './json/json-parse.ts'
export { holdsDecimal, jsonReader, type JsonReader, type JsonReadOptions } from './json/json-read.ts'
export { schemaFromJson, schemaToJson } from './json/json-schema.ts'
export { isArray, isMap, keepJsonText, plainJson } from './json/json-text.ts'
export { jsonWriter, keySchemaOf, valueSchemaOf, type JsonWriteOptions, type JsonWriter } from './json/json-write.ts'

// Helpers for tasks
export { assert, AssertionError, present } from '../foundation/assert.ts'
export { backoffMs, type Backoff } from '../foundation/async/backoff.ts'
export { BoundedQueue } from '../foundation/async/bounded-queue.ts'
export { abortable } from '../foundation/async/abortable.ts'
export { DeadlineExceededError, settledWithin, withDeadline, type Deadline } from '../foundation/async/deadline.ts'
export { errorMessage } from '../foundation/error-message.ts'
export { deferred, type Deferred } from '../foundation/async/deferred.ts'
