import type { LabelledSample, Sample } from './meters.ts'

/** Returns a gauge that is measured when it is asked for. */
export function gauge(
  name: string,
  help: string,
  value: number,
  labels: LabelledSample['labels'] = {},
): LabelledSample {
  return { sample: { kind: 'gauge', name, help, value }, labels }
}

/** Samples that have no owner: the labels are their own. */
export function labelled(samples: readonly Sample[]): readonly LabelledSample[] {
  return samples.map((sample) => ({ sample, labels: sample.labels ?? {} }))
}

/**
 * Prometheus' text format 0.0.4: samples of one name stand together under one HELP and TYPE.
 * @param prefix of all names
 */
export function prometheusText(samples: readonly LabelledSample[], prefix = 'penstock_'): string {
  const families = new Map<string, LabelledSample[]>()
  for (const labelled of samples) {
    const family = families.get(labelled.sample.name)
    if (family === undefined) families.set(labelled.sample.name, [labelled])
    else family.push(labelled)
  }
  return [...families.values()].map((family) => familyText(family, prefix)).join('')
}

function familyText(family: readonly LabelledSample[], prefix: string): string {
  const [first] = family
  if (first === undefined) return ''
  const { help, kind } = first.sample
  const name = `${prefix}${first.sample.name}`
  const lines = [`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${kind}`]
  for (const { sample, labels } of family) {
    if (sample.kind === 'histogram') lines.push(...histogramLines(name, sample, labels))
    else lines.push(`${name}${labelText(labels)} ${numberText(sample.value)}`)
  }
  return `${lines.join('\n')}\n`
}

function histogramLines(
  name: string,
  sample: Extract<Sample, { kind: 'histogram' }>,
  labels: Readonly<Record<string, string>>,
): readonly string[] {
  let count = 0
  const lines = sample.counts.map((inBucket, i) => {
    count += inBucket
    const bound = sample.buckets[i]
    return `${name}_bucket${labelText({ ...labels, le: bound === undefined ? '+Inf' : numberText(bound) })} ${count}`
  })
  return [
    ...lines,
    `${name}_sum${labelText(labels)} ${numberText(sample.sum)}`,
    `${name}_count${labelText(labels)} ${count}`,
  ]
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
