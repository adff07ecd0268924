import type { TransformPlugin } from 'penstock/api'

import { kafkaTransform } from '../record/record-side.ts'

/** `org.apache.kafka.connect.transforms.Filter`: drops every record. It is meant for use with a predicate. */
export const plugin: TransformPlugin = kafkaTransform('Filter', {}, () => ({ apply: () => null }))
