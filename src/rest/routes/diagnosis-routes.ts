import { BadRequestError } from '../../herder/herder-errors.ts'
import { diagnosisJson, workerDiagnosisJson } from '../json/diagnosis-json.ts'
import { param, quick, type Route } from '../route.ts'

/** What keeps records from flowing. */
export const diagnosisRoutes: readonly Route[] = [
  {
    operationId: 'getConnectorDiagnosis',
    method: 'GET',
    path: '/connectors/{connector}/diagnosis',
    needs: { role: 'read', of: 'connector' },
    async handle(request, { herder }) {
      const scope = request.query.get('scope') ?? 'group'
      if (scope !== 'group' && scope !== 'worker') throw new BadRequestError('"scope" is neither group nor worker')
      const diagnosis = await herder.diagnosis.ofConnector(param(request, 'connector'), scope, request.signal)
      return { status: 200, json: diagnosisJson(diagnosis) }
    },
  },
  {
    operationId: 'getDiagnosis',
    method: 'GET',
    path: '/diagnosis',
    needs: { role: 'read', of: 'asked connectors' },
    isQuick: quick,
    async handle({ caller }, { herder }) {
      const { checkedAt, findings } = herder.diagnosis.ofWorker()
      const shown = findings.filter(({ connector }) => connector === null || caller.reaches(connector))
      return { status: 200, json: workerDiagnosisJson({ checkedAt, findings: shown }) }
    },
  },
]
