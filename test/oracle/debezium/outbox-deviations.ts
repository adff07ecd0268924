import { optional, struct, types } from '../cases/samples.ts'
import type { PartJson, ResultJson, SchemaJson } from '../oracle-json.ts'
import { brokenDocuments, expandCase, json } from './event-router.ts'

const uuid: SchemaJson = { type: 'STRING', name: 'io.debezium.data.Uuid', version: 1 }

/** Returns the result of a row whose payload becomes this value. */
const routed = (value: PartJson): ResultJson => ({
  changed: {
    topic: 'outbox.event.order',
    partition: null,
    key: { schema: types.string, value: 'o-1' },
    value,
    timestamp: '1704103445679',
    headers: [
      { name: 'h', schema: types.int32, value: 1 },
      { name: 'id', schema: uuid, value: '59a42efd-b015-44a9-9dde-cb36d9002425' },
    ],
  },
})

/** The results of {@link brokenDocuments}, by the name of the case. */
export const documentResults: Readonly<Record<string, ResultJson>> = Object.fromEntries(
  brokenDocuments.map((text) => [expandCase(text).name, routed({ schema: json, value: text })]),
)

/** A row of which one additional field is left out. */
export const withoutField: ResultJson = routed({
  schema: struct(
    [
      ['payload', json],
      ['type', optional(types.string)],
    ],
    { name: 's.public.outbox.order.Value' },
  ),
  value: ['{"id": 1}', 'OrderCreated'],
})
