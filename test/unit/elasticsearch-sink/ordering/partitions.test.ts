import { systemClock, type SinkRecord } from 'penstock/api'
import { expect, it } from 'vitest'

import { Partitions } from '../../../../connectors/elasticsearch-sink/ordering/partitions.ts'

const at = { topic: 't', partition: 0 }

it('commits past dropped records after the last one, once every record before is applied', () => {
  const partitions = new Partitions({ highWatermark: () => null, raw: {}, clock: systemClock })
  partitions.open([at])
  const progress = partitions.of({ originalTopic: 't', originalPartition: 0, originalOffset: 3 } as SinkRecord)
  const committable = (delivered: number, held: number | null = null) =>
    partitions.committable(
      [{ ...at, offset: delivered }],
      held === null ? null : new Map([[progress, held]]),
      () => undefined,
    )
  // Transforms dropped all there was.
  expect(committable(3)).toEqual([{ ...at, offset: 3 }])
  const mark = progress.begin(3)
  expect(committable(9)).toEqual([])
  progress.finish(mark)
  progress.advance()
  expect(committable(9)).toEqual([{ ...at, offset: 9 }])
  expect(committable(9, 3)).toEqual([{ ...at, offset: 3 }])
})
