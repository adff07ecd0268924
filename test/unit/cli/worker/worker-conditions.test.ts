import { expect, it } from 'vitest'
import { WorkerConditions } from '../../../../src/cli/worker/worker-conditions.ts'
import { prometheusText } from '../../../../src/foundation/metrics/prometheus-text.ts'

it('shows in /health and in /metrics the same codes, for as long as they stand', () => {
  const broker = new Map([['BROKER_DISK_FULL', 'the disk is full']])
  const [writer, watch] = [new Map<string, string>(), new Map<string, string>()]
  const conditions = new WorkerConditions()
  conditions.add('broker', () => broker)
  conditions.add('worker', () => writer)
  conditions.add('worker', () => watch)
  const codes = (): string[] =>
    [...prometheusText(conditions.samples()).matchAll(/^penstock_(\w+)\{code="(\w+)"\} 1$/gm)].map(
      ([, name, code]) => `${name ?? ''} ${code ?? ''}`,
    )
  expect(codes()).toEqual(['broker_condition BROKER_DISK_FULL'])
  writer.set('LOG_UNREACHABLE', 'statuses wait')
  watch.set('LOG_UNREACHABLE', 'no broker')
  watch.set('INTERNAL_TOPIC_MISSING', 'connect-offsets')
  expect(codes()).toEqual([
    'broker_condition BROKER_DISK_FULL',
    'worker_condition LOG_UNREACHABLE',
    'worker_condition INTERNAL_TOPIC_MISSING',
  ])
  expect(conditions.lines()).toEqual([
    'BROKER_DISK_FULL: the disk is full',
    'LOG_UNREACHABLE: statuses wait',
    'INTERNAL_TOPIC_MISSING: connect-offsets',
  ])
  for (const part of [broker, writer, watch]) part.clear()
  expect(codes()).toEqual([])
  expect(conditions.lines()).toEqual([])
})
