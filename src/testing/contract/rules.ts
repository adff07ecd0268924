/** A sentence of the API's documentation that a plugin has to hold. */
export interface Rule {
  /** The sentence, as it is in the docstring. */
  readonly says: string
  /** The declaration of `penstock/api` that has the docstring. */
  readonly where: string
}

/** The rules by which the suites judge. A test proves that the sentences are in the docstrings. */
export const rules = {
  configKey: {
    says: 'One setting. It is optional if `defaultValue` is null, and required if there is no `defaultValue`.',
    where: 'ConfigKey',
  },
  validator: {
    says: 'Checks one parsed value, which is null if it is missing or does not parse. Returns null if it is valid',
    where: 'Validator',
  },
  problem: { says: 'An error of one key. A key may have several.', where: 'ConfigProblem' },
  check: {
    says: 'Checks rules across several keys, and may connect to the server. Called only if every key is valid by itself. Ends soon when `signal` fires. A problem that a user can solve is returned, not thrown.',
    where: 'ConnectorPlugin.check',
  },
  taskConfigs: {
    says: 'Returns one raw config per task, at most `maxTasks`. Equal configs mean that no task has to restart.',
    where: 'Connector.taskConfigs',
  },
  connectorStop: {
    says: 'Ends all work and closes what the connector has opened. It may be called before `start`, after it failed, and more than once.',
    where: 'Connector.stop',
  },
  createTask: {
    says: 'Returns a {@link SourceTask} if `kind` is `source`, otherwise a {@link SinkTask}.',
    where: 'ConnectorPlugin.createTask',
  },
  errors: {
    says: "The base class of Penstock's errors, and of those that plugins throw. The message says what failed, on what, and what to do.",
    where: 'ConnectError',
  },
  start: {
    says: 'Prepares the task. If it fails, this instance is stopped; the next attempt has another one.',
    where: 'SourceTask.start, SinkTask.start',
  },
  stop: {
    says: 'Ends all work and closes what the task has opened. It may be called before `start`, while `start` runs, after `start` has failed, and more than once. Afterwards nothing of the task runs or uses its context.',
    where: 'SourceTask.stop, SinkTask.stop',
  },
  readOffsets: {
    says: 'Returns the stored offset of each partition, in order; null if it has none. A task never starts without its offsets.',
    where: 'SourceTaskContext.readOffsets',
  },
  record: {
    says: 'The fields of every record. Records are immutable: transforms return new objects.',
    where: 'ConnectRecord',
  },
  value: { says: 'A value of Connect data in memory.', where: 'ConnectValue' },
  sourceOffset: {
    says: 'The position after this record. Stored when this record and all before it are acknowledged (I2).',
    where: 'SourceRecord.sourceOffset',
  },
  poll: {
    says: 'Returns the next records in order, waiting for at least one; null or empty if `signal` fires first. It fires when the task is paused or stopped: return soon, and lose nothing, because a later call may continue. Returned records never change.',
    where: 'SourceTask.poll',
  },
  pollErrors: {
    says: '`poll` is retried with back-off after a RetriableError; any other error fails the task.',
    where: 'SourceTask',
  },
  commit: {
    says: 'These offsets and all records up to them are durable (I2), so the source system may discard the data before them.',
    where: 'SourceTask.commit',
  },
  open: {
    says: 'These partitions were assigned in addition, or closed because their position was reset; reading begins at their offsets.',
    where: 'SinkTask.open',
  },
  put: {
    says: 'Receives records, in order within each partition, with gaps where records were removed; empty if none arrived in time.',
    where: 'SinkTask.put',
  },
  originalTopic: {
    says: "The record's topic before transforms. The next two fields are likewise unaffected by them.",
    where: 'SinkRecord.originalTopic',
  },
  putErrors: {
    says: 'After a RetriableError from `put`, the same records are delivered again with back-off.',
    where: 'SinkTask',
  },
  preCommit: {
    says: 'Returns the offsets up to which records are durable downstream (I1), none past `current`. They are committed; an empty result commits nothing.',
    where: 'SinkTask.preCommit',
  },
  commitFailed: {
    says: 'The commit of these offsets, which `preCommit` returned, was rejected or its outcome is unknown. `preCommit` may return them again.',
    where: 'SinkTask.commitFailed',
  },
  close: {
    says: 'The next owner starts at an offset that was committed, or at one whose commit failed.',
    where: 'SinkTask.close',
  },
  flush: {
    says: 'Makes the records of these partitions durable, if that is possible until `signal` fires.',
    where: 'SinkTask.flush',
  },
  converter: { says: 'Converts between bytes and Connect data. Synchronous', where: 'Converter' },
  ready: { says: '`ready` resolves when the same call can succeed', where: 'NotReadyError' },
  tombstone: {
    says: '`fromConnect` returns null for a null value without a schema (a tombstone).',
    where: 'Converter',
  },
  undecodable: {
    says: 'DataError if the value does not match its schema, or bytes cannot be decoded.',
    where: 'Converter',
  },
  headerBytes: {
    says: 'Converts between header bytes and Connect data. The returned bytes are not overwritten.',
    where: 'HeaderConverter',
  },
  transform: {
    says: 'Changes records, or drops them by returning null. Pure and synchronous. Fields that it does not change are kept.',
    where: 'Transform',
  },
  predicate: {
    says: 'A condition on records, for transforms that apply to some records only. Pure and synchronous.',
    where: 'Predicate',
  },
  provider: {
    says: 'Returns the values of `keys` at `path`, by key. A key without a value is left out: whatever needs it fails, and the error names the reference.',
    where: 'ConfigProvider.get',
  },
  providerErrors: {
    says: 'ConfigError or ConnectError when `path` cannot be read. The message is shown to operators: it must not contain values.',
    where: 'ConfigProvider.get',
  },
} as const satisfies Readonly<Record<string, Rule>>
