/*
 * The operations that a client is allowed (KIP-430), as bits of Kafka's AclOperation codes. There is no authorizer: every
 * operation that the resource type supports is allowed.
 */

const operations = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const

type Operation = keyof typeof operations

const bitsOf = (...names: Operation[]): number => names.reduce((bits, name) => bits | (1 << operations[name]), 0)

/** The operations of each kind of resource. */
export const authorizedOperations = {
  topic: bitsOf('read', 'write', 'create', 'delete', 'alter', 'describe', 'describeConfigs', 'alterConfigs'),
  group: bitsOf('read', 'describe', 'delete'),
  cluster: bitsOf('create', 'clusterAction', 'describeConfigs', 'alterConfigs', 'idempotentWrite', 'alter', 'describe'),
} as const

/** The value for a client that did not ask for them. */
export const operationsNotAsked = -2_147_483_648
