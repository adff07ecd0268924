import { readFileSync } from 'node:fs'

/** Returns how many files this process may have open (`ulimit -n`); null if the system does not say. */
export function openFileLimit(): number | null {
  try {
    const [, limit] = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (limit !== undefined) return limit === 'unlimited' ? Infinity : Number(limit)
  } catch {
    // Not Linux: Node's report has the limit.
  }
  Object.assign(process.report, { excludeNetwork: true }) // Otherwise the report resolves host names.
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } }
  const soft = userLimits?.open_files?.soft
  if (soft === 'unlimited') return Infinity
  return typeof soft === 'number' ? soft : null
}
