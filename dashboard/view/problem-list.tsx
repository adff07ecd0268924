import type { Problem } from '../model/problems.ts'

import { duration } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { activity, problems } from '../state/store.ts'
import { CommandButton, Copyable } from './form/buttons.tsx'

/** What needs an operator, each with its cause, its fix and the button that carries it out. */
export function ProblemList() {
  const all = problems.value
  if (all.length === 0)
    return <p class="well">Nothing needs attention: no connector has failed or waits, and no finding stands.</p>
  return (
    <section aria-labelledby="attention">
      <div class="head">
        <h2 id="attention">Needs attention</h2>
        <span class="muted">{all.length}</span>
      </div>
      <ul class="problems">
        {all.map((problem) => (
          <ProblemItem key={problem.key} problem={problem} />
        ))}
      </ul>
    </section>
  )
}

export function ProblemItem({ problem }: { readonly problem: Problem }) {
  const { severity, connector, task, code, cause, fix, commands, since, remedy } = problem
  const now = activity.value?.time ?? 0
  return (
    <li class={`problem ${severity}`}>
      <div class="what">
        <p class="where">
          {connector === null ? <strong>worker</strong> : <a href={hashOf('connectors', connector)}>{connector}</a>}
          {task === null ? null : <span class="muted">task {task}</span>}
          {code === null ? null : <code>{code}</code>}
          {since === null ? null : <span class="muted">for {duration((now - since) / 1000)}</span>}
        </p>
        <p class="cause">{cause}</p>
        {fix === null || fix === '' ? null : <p class="fix">{fix}</p>}
        {commands.map((text) => (
          <Copyable key={text} text={text} />
        ))}
      </div>
      <div class="actions">
        {connector === null || remedy === null ? null : <CommandButton connector={connector} which={remedy} primary />}
      </div>
    </li>
  )
}
