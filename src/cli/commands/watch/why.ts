import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import type { Verb } from '../../command/command.ts'
import type { Output } from '../../output/output.ts'
import { bytesText, durationText, grouped } from '../../output/text.ts'
import { PenstockApi } from '../../rest-client/penstock-api.ts'
import type { ConnectorDiagnosis } from '../../rest-client/penstock-entities.ts'
import type { Style } from '../../output/terminal.ts'
import { problemLines, worstFirst, type Problem } from '../../status/problems.ts'

export const why: Verb = {
  usage: 'why [CONNECTOR]',
  summary: 'Say what keeps records from flowing, since when, and what to type',
  detail:
    'Follows the records from the source through the log to the sink, and names what binds first. Without CONNECTOR, it looks ' +
    'at the worker and at all connectors. Exits with 1 if it finds an error or a warning.',
  examples: [
    ['why orders', 'why orders does not move'],
    ['why', 'what is wrong with this worker'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out, clock } = session
    const api = new PenstockApi(await session.rest())
    const [name] = given.words
    const found = name === undefined ? await api.diagnosis() : await api.diagnosisOf(name)
    const problems: readonly Problem[] =
      'verdict' in found
        ? found.findings.map((each) => Object.assign({ connector: found.connector }, each))
        : found.findings
    out.result(found, () => [
      ...('verdict' in found ? verdictLines(out, found) : []),
      ...worstFirst(problems).flatMap((problem) => problemLines(out, problem, clock.now()).concat('')),
      ...(problems.length === 0 ? [`${out.paint('green', '✔')} nothing is wrong`] : []),
    ])
    return problems.some(({ severity }) => severity !== 'info') ? exitCodes.found : exitCodes.done
  },
}

const styles: Readonly<Record<ConnectorDiagnosis['verdict'], Style>> = {
  healthy: 'green',
  degraded: 'yellow',
  blocked: 'red',
}

function verdictLines(out: Output, { connector, type, verdict, flow }: ConnectorDiagnosis): readonly string[] {
  const head = `${out.paint('bold', connector)}  ${type}  ${out.paint(styles[verdict], verdict)}`
  return [[head, flowText(flow)].filter((part) => part !== '').join('  '), '']
}

/** What a connector moves and how far it is behind, in a few words. */
function flowText(flow: ConnectorDiagnosis['flow']): string {
  const number = (name: string): number | null => (typeof flow[name] === 'number' ? flow[name] : null)
  const [rate, lag] = [number('records_per_second'), number('lag_records')]
  const [behind, retained] = [number('behind_seconds'), number('retained_bytes')]
  return [
    ...(rate === null ? [] : [`${grouped(rate)} records/s`]),
    ...(lag === null ? [] : [`${grouped(lag)} records behind`]),
    ...(behind === null ? [] : [`${durationText(behind * 1000)} behind`]),
    ...(retained === null ? [] : [`${bytesText(retained)} retained`]),
  ].join(', ')
}
