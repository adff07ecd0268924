import { isCode, parse, resolveImport, type SourceFile, type Violation } from '../source-file.ts'

/** Which layers each may import, itself aside: the table of ARCHITECTURE.md. */
export const layerTable: Readonly<Record<string, readonly string[]>> = {
  foundation: [],
  api: ['foundation'],
  avro: ['api', 'foundation'],
  protocol: ['foundation'],
  log: ['protocol', 'foundation'],
  broker: ['log', 'protocol', 'foundation'],
  client: ['protocol', 'foundation'],
  plugin: ['api', 'foundation'],
  diagnosis: ['api', 'foundation'],
  servers: ['foundation'],
  config: ['broker', 'plugin', 'api', 'foundation'],
  storage: ['client', 'config', 'api', 'foundation'],
  registry: ['storage', 'client', 'api', 'foundation'],
  runtime: ['storage', 'config', 'plugin', 'registry', 'diagnosis', 'client', 'api', 'foundation'],
  herder: ['runtime', 'storage', 'config', 'plugin', 'diagnosis', 'client', 'api', 'foundation'],
  rest: ['herder', 'registry', 'config', 'diagnosis', 'api', 'foundation'],
  quickstart: ['servers', 'config', 'client', 'foundation'],
  testing: ['config', 'plugin', 'api', 'foundation'],
}

const layerOf = (path: string): string | null => /^src\/([^/]+)\//.exec(path)?.[1] ?? null
const componentOf = (path: string): string | null => /^(connectors\/[^/]+|plugins\/[^/]+)\//.exec(path)?.[1] ?? null

const isDashboard = (path: string): boolean => path.startsWith('dashboard/')

/** Imports go downwards, by the table; `cli` may import all of src. The dashboard runs in browsers: it shares no module. */
export function layers(files: readonly SourceFile[]): Violation[] {
  return importsOf(files).flatMap(({ from, to }) => {
    if (isDashboard(from) !== isDashboard(to) && !from.startsWith('test/'))
      return [violation('layers', from, `the dashboard and the worker share no module: ${to}`)]
    const [layer, target] = [layerOf(from), layerOf(to)]
    if (layer === null || layer === target || layer === 'cli') return []
    const allowed = layerTable[layer]
    if (allowed === undefined) return [violation('layers', from, `src/${layer} is not in the layer table`)]
    if (target !== null && allowed.includes(target)) return []
    return [violation('layers', from, `${layer} may not import ${to}`)]
  })
}

/** What several connectors share; it is no connector. */
const sharedBy: Readonly<Record<string, readonly string[]>> = {
  'connectors/s3-store': ['connectors/s3-sink', 'connectors/s3-source'],
}

/**
 * Connectors and plugins know `penstock/api`, `penstock/avro` and packages; never src, never one another, only what they share.
 * `penstock/testing` is for tests.
 */
export function doors(files: readonly SourceFile[]): Violation[] {
  const relative = importsOf(files).flatMap(({ from, to }) => {
    const component = componentOf(from)
    const target = componentOf(to)
    return component === null || target === component || sharedBy[target ?? '']?.includes(component) === true
      ? []
      : [violation('doors', from, `${component} may not import ${to}: use penstock/api`)]
  })
  const packages = files.filter(isCode).flatMap((file) => {
    const wrong = parse(file).imports.filter((name) => {
      if (name === 'penstock/testing') return !file.path.startsWith('test/')
      const isDoor = name === 'penstock/api' || name === 'penstock/avro'
      if (name === 'penstock' || name.startsWith('penstock/')) return !isDoor || file.path.startsWith('src/')
      return name === 'kafkajs' && !file.path.startsWith('src/client/') && !/^(test|bench)\//.test(file.path)
    })
    return wrong.map((name) => violation('doors', file.path, `may not import ${name}`))
  })
  return [...relative, ...packages]
}

/** No module reaches itself through imports, types included. */
export function cycles(files: readonly SourceFile[]): Violation[] {
  const graph = new Map<string, string[]>()
  for (const { from, to } of importsOf(files)) graph.set(from, [...(graph.get(from) ?? []), to])
  const state = new Map<string, 'open' | 'done'>()
  const found: Violation[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      const cycle = [...trail.slice(trail.indexOf(path)), path]
      found.push(violation('cycles', path, cycle.join(' → ')))
      return
    }
    state.set(path, 'open')
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
    state.set(path, 'done')
  }
  for (const path of graph.keys()) visit(path, [])
  return found
}

function importsOf(files: readonly SourceFile[]): { from: string; to: string }[] {
  return files.filter(isCode).flatMap((file) =>
    parse(file).imports.flatMap((specifier) => {
      const to = resolveImport(file.path, specifier)
      return to === null ? [] : [{ from: file.path, to }]
    }),
  )
}

const violation = (rule: string, path: string, message: string): Violation => ({ rule, path, message })
