import type { Point } from '../model/history.ts'

import { sparkPath } from '../model/spark.ts'

const [width, height] = [72, 16]

/** The rate of the last minutes as a line without axes. The number beside it says what it is. */
export function Spark({ points, value }: { readonly points: readonly Point[]; readonly value: 'read' | 'written' }) {
  const path = sparkPath(points, value, { width, height })
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
      {path === null ? null : <path d={path} />}
    </svg>
  )
}
