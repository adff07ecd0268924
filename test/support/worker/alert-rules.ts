import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { parse } from 'yaml'

/** The rules that the documentation offers. */
export const rulesFile = fileURLToPath(new URL('../../../docs/operate/alerts.yml', import.meta.url))

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export function alertRules(): readonly Rule[] {
  const { groups } = parse(readFileSync(rulesFile, 'utf8')) as { groups: readonly { rules: readonly Rule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** A series in promtool's notation, with a value for each minute: `0+10x30`. */
export interface Series {
  readonly series: string
  readonly values: string
}

/** Evaluates the rules every minute. Returns what promtool has to say if other alerts fire after 40 minutes; empty if these do. */
export function firingFaults(
  promtool: string,
  directory: string,
  series: readonly Series[],
  firing: readonly string[],
): string {
  const file = join(directory, 'alerts-test.json')
  const expected = firing.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 }))
  const expr = 'count by (alertname) (ALERTS{alertstate="firing"})'
  const tests = [
    { interval: '1m', input_series: series, promql_expr_test: [{ expr, eval_time: '40m', exp_samples: expected }] },
  ]
  writeFileSync(file, JSON.stringify({ rule_files: [rulesFile], evaluation_interval: '1m', tests }))
  const { status, stdout, stderr } = spawnSync(promtool, ['test', 'rules', file], { encoding: 'utf8' })
  return status === 0 ? '' : `${stdout}${stderr}`
}

/** Returns what promtool says about the rules. @throws if it refuses them */
export function checkRules(promtool: string): string {
  return execFileSync(promtool, ['check', 'rules', rulesFile], { encoding: 'utf8' })
}

/** The names of metrics in an expression; those of the series of a histogram are its own. */
export function metricsIn(expression: string): readonly string[] {
  return [...expression.matchAll(/\bpenstock_\w+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ''))
}
