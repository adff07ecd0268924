import { readdirSync, readFileSync } from 'node:fs'

/** The resource usage of a process and its descendants, from /proc (Linux only). */
export interface TreeUsage {
  /** User and system time of the tree, including children that have ended. */
  readonly cpuSeconds: number
  /** Sum of VmRSS. */
  readonly rssBytes: number
  /** VmHWM of the largest process. */
  readonly peakRssBytes: number
}

const ticksPerSecond = 100

/** Returns the usage of `pid` and its descendants. A process that ends meanwhile is not counted. */
export function treeUsage(pid: number): TreeUsage {
  let cpuSeconds = 0
  let rssBytes = 0
  let peakRssBytes = 0
  for (const member of treeOf(pid)) {
    const stat = statOf(member)
    const status = statusOf(member)
    cpuSeconds += stat.cpuSeconds
    rssBytes += status.rssBytes
    peakRssBytes = Math.max(peakRssBytes, status.peakRssBytes)
  }
  return { cpuSeconds, rssBytes, peakRssBytes }
}

/** Returns `pid` and its descendants. */
function treeOf(pid: number): readonly number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    const id = Number(entry)
    if (!Number.isInteger(id)) continue
    const { parent } = statOf(id)
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [id])
    else siblings.push(id)
  }
  const members = [pid]
  for (const member of members) members.push(...(children.get(member) ?? []))
  return members
}

function statOf(pid: number): { readonly parent: number; readonly cpuSeconds: number } {
  const text = read(pid, 'stat')
  if (text === null) return { parent: -1, cpuSeconds: 0 }
  // The name in parentheses may contain blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0)
  return { parent: Number(fields[1]), cpuSeconds: ticks / ticksPerSecond }
}

function statusOf(pid: number): { readonly rssBytes: number; readonly peakRssBytes: number } {
  const text = read(pid, 'status') ?? ''
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024
  return { rssBytes: kib('VmRSS'), peakRssBytes: kib('VmHWM') }
}

function read(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return null
  }
}
