import { useMemo } from 'preact/hooks'

import type { ConnectorView } from '../../model/connector-view.ts'

import { chartRange, lagColumns, rateColumns } from '../../model/chart-data.ts'
import { problems } from '../../state/store.ts'
import { Chart, type ChartLine } from '../../view/chart.tsx'
import { ProblemItem } from '../../view/problem-list.tsx'
import { TaskTable } from './task-table.tsx'

const rateLines: readonly ChartLine[] = [{ label: 'written' }, { label: 'read', isDashed: true }]
const lagLines: readonly ChartLine[] = [{ label: 'behind' }]

/** What is wrong with a connector, how fast it is, and its tasks. */
export function OverviewTab({ view }: { readonly view: ConnectorView }) {
  const { name, points, entry, isCounted } = view
  const own = problems.value.filter(({ connector }) => connector === name)
  const rates = useMemo(() => {
    const [times, read, written] = rateColumns(points)
    return [times, written ?? [], read ?? []] as const
  }, [points])
  const lags = useMemo(() => lagColumns(points), [points])
  const range = chartRange(points, 0)
  return (
    <>
      {own.length === 0 ? null : (
        <ul class="problems">
          {own.map((problem) => (
            <ProblemItem key={problem.key} problem={problem} />
          ))}
        </ul>
      )}
      {isCounted ? (
        <div class="charts">
          <section aria-labelledby="rates">
            <h2 id="rates">Records per second</h2>
            <Chart
              label={`Records per second of ${name} over the last fifteen minutes`}
              unit="/s"
              lines={rateLines}
              columns={rates}
              range={range}
            />
          </section>
          {entry.type === 'sink' ? (
            <section aria-labelledby="lag">
              <h2 id="lag">Records behind</h2>
              <Chart
                label={`Records that ${name} has left to read, over the last fifteen minutes`}
                unit=""
                lines={lagLines}
                columns={lags}
                range={range}
              />
            </section>
          ) : null}
        </div>
      ) : null}
      <TaskTable view={view} />
    </>
  )
}
