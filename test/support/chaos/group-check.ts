import { isDeepStrictEqual } from 'node:util'

import { expectedState, expectedTasks, type ConfigFold, type Properties } from '../config/config-fold.ts'
import { connectorNames, isSource, tagKey } from './chaos-connectors.ts'
import type { ChaosCalls } from './chaos-calls.ts'
import type { ChaosGroup } from './chaos-group.ts'

interface State {
  readonly state: string
  readonly worker_id: string
  readonly trace?: string
}
interface Shown {
  readonly info: { readonly config: Properties; readonly tasks: readonly unknown[] }
  readonly status: { readonly connector: State; readonly tasks: readonly (State & { readonly id: number })[] }
}

/** What differs between the config topic and what the workers show and run; empty when nothing does. */
export async function groupFaults(group: ChaosGroup, fold: ConfigFold): Promise<readonly string[]> {
  const runs = new Map<string, string[]>()
  for (const at of group.running) {
    const { host } = new URL(group.urlOf(at))
    for (const task of await runningTasks(group.urlOf(at))) runs.set(task, [...(runs.get(task) ?? []), host])
  }
  const faults = [...generationFaults(fold), ...runFaults(fold, runs)]
  for (const at of group.running) {
    const response = await fetch(`${group.urlOf(at)}/connectors?expand=info&expand=status`)
    const shown = (await response.json()) as Record<string, Shown>
    const wrong = [...infoFaults(fold, shown), ...statusFaults(fold, shown, runs)]
    faults.push(...wrong.map((fault) => `worker ${at} shows ${fault}`))
  }
  return faults
}

/** Values of the fold that no acknowledged request explains. */
export function writeFaults(
  fold: ConfigFold,
  { tags, targetStates }: Pick<ChaosCalls, 'tags' | 'targetStates'>,
): readonly string[] {
  return connectorNames.flatMap((name) => {
    const connector = fold.get(name)
    const tag = connector?.config[tagKey] ?? null
    const states = targetStates.possible(name).map((state) => state ?? 'STARTED')
    const found = connector?.targetState
    const faults: string[] = []
    if (!tags.possible(name).includes(tag))
      faults.push(`${name} has config ${tag}, and not one of ${String(tags.possible(name))}`)
    if (found !== undefined && !states.includes(found))
      faults.push(`${name} is ${found}, and not ${states.join(' or ')}`)
    return faults
  })
}

/** Connectors that run, and whose task configs are not those of their config. */
function generationFaults(fold: ConfigFold): readonly string[] {
  return [...fold].flatMap(([name, { config, targetState, tasks }]) => {
    if (targetState === 'STOPPED')
      return tasks.length === 0 ? [] : [`${name} is stopped, and has ${tasks.length} tasks`]
    if (targetState !== 'STARTED') return []
    const wanted = isSource(name) ? 1 : Number(config['tasks.max'])
    const tags = tasks.map((task) => task[tagKey])
    const isCurrent = tags.length === wanted && tags.every((tag) => tag === config[tagKey])
    return isCurrent
      ? []
      : [`${name} wants ${wanted} tasks of config ${config[tagKey]}, and has those of ${String(tags)}`]
  })
}

function infoFaults(fold: ConfigFold, shown: Readonly<Record<string, Shown>>): readonly string[] {
  const names = new Set([...fold.keys(), ...Object.keys(shown)])
  return [...names].flatMap((name) => {
    const folded = fold.get(name)
    const info = shown[name]?.info
    if (folded === undefined) return [`${name}, which is not in the config topic`]
    if (info === undefined) return [`no ${name}`]
    const { tasks } = folded
    if (!isDeepStrictEqual(info.config, folded.config))
      return [`another config of ${name}: ${JSON.stringify(info.config)}`]
    return info.tasks.length === tasks.length ? [] : [`${info.tasks.length} tasks of ${name}, and not ${tasks.length}`]
  })
}

/** @param runs where each task runs */
function statusFaults(
  fold: ConfigFold,
  shown: Readonly<Record<string, Shown>>,
  runs: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  return [...fold].flatMap(([name, connector]) => {
    const status = shown[name]?.status
    if (status === undefined) return []
    const state = expectedState(connector)
    const wrong = status.tasks.filter((task) => {
      const places = runs.get(`${name}-${task.id}`)
      return task.state !== state || (places !== undefined && !places.includes(task.worker_id))
    })
    const faults = wrong.map((task) => `${name}-${task.id} as ${JSON.stringify(task)}, and not ${state}`)
    if (status.connector.state !== state) faults.push(`${name} as ${JSON.stringify(status.connector)}, not ${state}`)
    if (status.tasks.length !== expectedTasks(connector).length)
      faults.push(`the states of ${status.tasks.length} tasks of ${name}`)
    return faults
  })
}

/** Tasks that run on no worker or on several, and those that should not run. */
function runFaults(fold: ConfigFold, runs: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const expected = new Set(
    [...fold].flatMap(([name, connector]) => expectedTasks(connector).map((_, task) => `${name}-${task}`)),
  )
  return [...new Set([...expected, ...runs.keys()])].flatMap((task) => {
    const places = runs.get(task) ?? []
    if (!expected.has(task)) return [`${task} runs on ${places.join(' and ')}, and should not`]
    return places.length === 1 ? [] : [`${task} runs on ${places.length} workers: ${places.join(', ')}`]
  })
}

/** The tasks that a worker runs, by what the threads of the tasks measure. */
export async function runningTasks(url: string): Promise<readonly string[]> {
  const page = await (await fetch(`${url}/metrics`)).text()
  const pattern = /^penstock_(?:source_records_polled|sink_records_read)_total\{connector="([^"]+)",task="(\d+)"\}/gm
  return Array.from(page.matchAll(pattern), ([, name, task]) => `${name}-${task}`)
}
