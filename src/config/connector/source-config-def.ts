import type { ConfigDef } from '../../api/config-def.ts'

import { atLeast, nullOr, oneOfIgnoringCase } from '../../api/validators.ts'
import { connectorConfigDef, only } from './connector-config-def.ts'
import { sourceDeadLetterConfigDef } from './errors/error-config-def.ts'
import { parkConfigDef } from './errors/park-settings.ts'

const exactlyOnceReason = 'exactly-once delivery of sources is not supported; delivery is at least once'

/** The keys of every source connector. */
export const sourceConfigDef: ConfigDef = {
  ...connectorConfigDef,
  ...sourceDeadLetterConfigDef,
  ...parkConfigDef,
  'topic.creation.groups': {
    type: 'LIST',
    defaultValue: [],
    importance: 'LOW',
    doc: 'Groups of configurations for topics created by source connectors',
    group: 'Topic Creation',
    displayName: 'Topic Creation Groups',
    width: 'LONG',
    order: 1,
    validator: (_key, value) =>
      Array.isArray(value) && value.length > 0
        ? 'Not supported: all topics are created by topic.creation.default.*. Remove the groups'
        : null,
  },
  'exactly.once.support': {
    type: 'STRING',
    defaultValue: 'requested',
    importance: 'MEDIUM',
    doc: 'Permitted values are requested, required. If set to "required", forces a preflight check for the connector to ensure that it can provide exactly-once semantics with the given configuration. Some connectors may be capable of providing exactly-once semantics but not signal to Connect that they support this; in that case, documentation for the connector should be consulted carefully before creating it, and the value for this property should be set to "requested". Additionally, if the value is set to "required" but the worker that performs preflight validation does not have exactly-once support enabled for source connectors, requests to create or validate the connector will fail.',
    group: 'Exactly Once Support',
    displayName: 'Exactly once support',
    width: 'SHORT',
    order: 2,
    validator: oneOfIgnoringCase('required', 'requested'),
    unsupportedValues: { required: exactlyOnceReason },
  },
  'transaction.boundary': {
    type: 'STRING',
    defaultValue: 'poll',
    importance: 'MEDIUM',
    doc: "Permitted values are: poll, interval, connector. If set to 'poll', a new producer transaction will be started and committed for every batch of records that each task from this connector provides to Connect. If set to 'connector', relies on connector-defined transaction boundaries; note that not all connectors are capable of defining their own transaction boundaries, and in that case, attempts to instantiate a connector with this value will fail. Finally, if set to 'interval', commits transactions only after a user-defined time interval has passed.",
    group: 'Exactly Once Support',
    displayName: 'Transaction Boundary',
    width: 'SHORT',
    order: 3,
    validator: oneOfIgnoringCase('interval', 'poll', 'connector'),
    unsupportedValues: { interval: exactlyOnceReason, connector: exactlyOnceReason },
  },
  'transaction.boundary.interval.ms': {
    type: 'LONG',
    defaultValue: null,
    importance: 'LOW',
    doc: "If 'transaction.boundary' is set to 'interval', determines the interval for producer transaction commits by connector tasks. If unset, defaults to the value of the worker-level 'offset.flush.interval.ms' property. It has no effect if a different transaction.boundary is specified.",
    group: 'Exactly Once Support',
    displayName: 'Transaction boundary interval',
    width: 'SHORT',
    order: 4,
    validator: nullOr(atLeast(0)),
  },
  'offsets.storage.topic': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: "The name of a separate offsets topic to use for this connector. If empty or not specified, the worker’s global offsets topic name will be used. If specified, the offsets topic will be created if it does not already exist on the Kafka cluster targeted by this connector (which may be different from the one used for the worker's global offsets topic if the bootstrap.servers property of the connector's producer has been overridden from the worker's). Only applicable in distributed mode; in standalone mode, setting this property will have no effect.",
    group: 'offsets.topic',
    displayName: 'Offsets topic',
    width: 'LONG',
    order: 1,
    validator: only(null, "source offsets are kept in the worker's offset topic"),
  },
}
