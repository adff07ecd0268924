import { builtInPlugins } from '../../../src/plugin/built-in-plugins.ts'
import { distinct, type CaseGroups } from '../cases/all-cases.ts'
import { eventRouterCases } from './event-router.ts'
import { newRecordStateCases } from './extract-new-record-state.ts'
import { timescaleCases } from './timescaledb.ts'
import { timezoneCases } from './timezone.ts'
import { changedStateCases, decodedMessageCases, headerToValueCases, schemaChangeCases } from './values.ts'
import { groovyCases, javascriptCases, scriptingSettingsCases } from './scripting.ts'
import { logicalRouterCases, partitionRoutingCases } from './routing.ts'

/** The transforms that are Debezium's. */
export const debeziumStages = builtInPlugins.filter(
  ({ className, kind }) => kind === 'transformation' && className.startsWith('io.debezium.'),
)

/** The cases of Debezium 3.2.3. */
export const debeziumGroups: CaseGroups = new Map([
  ['debezium/timezone-converter', distinct(timezoneCases)],
  ['debezium/decoded-messages', distinct(decodedMessageCases)],
  ['debezium/extract-changed-record-state', distinct(changedStateCases)],
  ['debezium/header-to-value', distinct(headerToValueCases)],
  ['debezium/schema-change-event-filter', distinct(schemaChangeCases)],
  ['debezium/scripting-settings', distinct(scriptingSettingsCases)],
  ['debezium/groovy', distinct(groovyCases)],
  ['debezium/javascript', distinct(javascriptCases)],
  ['debezium/by-logical-table-router', distinct(logicalRouterCases)],
  ['debezium/timescaledb', distinct(timescaleCases)],
  ['debezium/partition-routing', distinct(partitionRoutingCases)],
  ['debezium/event-router', distinct(eventRouterCases)],
  ['debezium/extract-new-record-state', distinct(newRecordStateCases)],
])
