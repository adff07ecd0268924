import type { ConnectorView, ShownState } from '../model/connector-view.ts'
import type { Pipeline } from '../model/pipelines.ts'

import { none, plural, rate, shortClass } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { lagText } from './figures.tsx'
import { Spark } from './spark.tsx'
import { StateMark } from './state.tsx'

/** States in which nothing is read or written. */
const stands: ReadonlySet<ShownState> = new Set(['FAILED', 'PAUSED', 'STOPPED', 'UNASSIGNED'])

/** Of the topics of a pipeline, how many are named. */
const namedTopics = 6

/** One pipeline: its sources, what flows into its topics, its sinks. */
export function PipelineRow({ pipeline }: { readonly pipeline: Pipeline }) {
  const { key, sources, topics, sinks, binding } = pipeline
  return (
    <section class="pipeline" aria-label={`Pipeline ${key}`}>
      <div class="stage">
        {sources.map((view) => (
          <Stage key={view.name} view={view} isBinding={binding === view.name} />
        ))}
        {sources.length === 0 ? <p class="muted none">no source here</p> : null}
      </div>
      <div class="arrows">
        {sources.map((view) => (
          <Arrow key={view.name} view={view} />
        ))}
      </div>
      <ul class="topics">
        {topics.slice(0, namedTopics).map((topic) => (
          <li key={topic}>
            <a href={hashOf('topics', topic)}>{topic}</a>
          </li>
        ))}
        {topics.length > namedTopics ? <li class="muted">and {topics.length - namedTopics} more</li> : null}
        {topics.length === 0 ? <li class="muted none">no topics yet</li> : null}
      </ul>
      <div class="outlets">
        {sinks.map((view) => (
          <div class="outlet" key={view.name}>
            <Arrow view={view} />
            <Stage view={view} isBinding={binding === view.name} />
          </div>
        ))}
        {sinks.length === 0 ? <p class="muted none">no sink</p> : null}
      </div>
    </section>
  )
}

function Arrow({ view }: { readonly view: ConnectorView }) {
  const isMoving = (view.writeRate ?? 0) > 0
  return (
    <div class={isMoving ? 'arrow moving' : 'arrow'}>
      <span>{view.isCounted ? rate(view.writeRate) : none}</span>
      <svg viewBox="0 0 96 8" preserveAspectRatio="none" aria-hidden="true">
        <path d="M0 4H94" />
      </svg>
    </div>
  )
}

function Stage({ view, isBinding }: { readonly view: ConnectorView; readonly isBinding: boolean }) {
  const { name, entry, state } = view
  return (
    <div class={`node${isBinding ? ' binding' : ''} ${state.toLowerCase()}`}>
      <div class="node-head">
        <a href={hashOf('connectors', name)}>{name}</a>
        <StateMark state={state} />
      </div>
      <div class="node-body">
        <span class="muted">
          {shortClass(entry.class)} · {plural(entry.tasks.length, 'task')}
        </span>
        <Spark points={view.points} value="written" />
        <span class={isBinding ? 'lag strong' : 'lag'}>{lagText(view)}</span>
      </div>
      {isBinding ? <p class="limits">{stands.has(state) ? 'nothing passes here' : 'limits the flow'}</p> : null}
    </div>
  )
}
