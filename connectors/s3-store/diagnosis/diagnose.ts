import type { DiagnosisContext, DiagnosisFinding } from 'penstock/api'

import { S3RefusedError, S3UnavailableError } from '../client/s3-error.ts'
import type { StoreSettings } from '../config/store-settings.ts'

/** The look at a store that does not respond ends after this time. Milliseconds. */
const requestMs = 3000
/** Stores reject signatures of clocks that differ by 15 minutes. Milliseconds. */
const skewMs = 300_000

/** Looks for the bucket, with the credentials, and at the clock of the store. Changes nothing. */
export async function diagnoseStore(
  settings: StoreSettings,
  { clock, signal }: DiagnosisContext,
  stage: DiagnosisFinding['stage'],
): Promise<readonly DiagnosisFinding[]> {
  const { S3Store } = await import('../client/s3-store.ts')
  const store = new S3Store({ ...settings, requestTimeoutMs: Math.min(settings.requestTimeoutMs, requestMs) }, clock)
  try {
    const [refused, skew] = await Promise.all([
      refusal(async () => await store.checkBucket(signal)),
      skewOf(settings, clock.now(), signal),
    ])
    return [...refused, ...skew].map((finding) => Object.assign({}, finding, { stage }))
  } finally {
    store.close()
  }
}

async function refusal(check: () => Promise<void>): Promise<readonly DiagnosisFinding[]> {
  try {
    await check()
    return []
  } catch (error) {
    if (!(error instanceof S3RefusedError) && !(error instanceof S3UnavailableError)) throw error
    const code = error.code ?? 'S3_REFUSED'
    return [finding(code, 'error', error.message.replace(`${code}: `, ''))]
  }
}

/** Compares the clocks by the header `Date` of a response, whatever its status: no signature is needed for it. */
async function skewOf(
  { storeUrl, region }: StoreSettings,
  now: number,
  signal: AbortSignal,
): Promise<readonly DiagnosisFinding[]> {
  const url = storeUrl ?? `https://s3.${region}.amazonaws.com`
  try {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(requestMs)])
    const { headers } = await fetch(url, { method: 'HEAD', redirect: 'manual', signal: bound })
    return skewFindings(headers.get('date'), now, new URL(url).host)
  } catch (error) {
    // That the store does not respond, the request for the bucket says better.
    if (error instanceof TypeError || error instanceof DOMException) return []
    throw error
  }
}

/** @param date the header `Date`, in whole seconds */
export function skewFindings(date: string | null, now: number, host: string): readonly DiagnosisFinding[] {
  const theirs = Date.parse(date ?? '')
  const skew = theirs - now
  if (Number.isNaN(theirs) || Math.abs(skew) < skewMs) return []
  const seconds = Math.round(Math.abs(skew) / 1000)
  const cause = `the clock of this machine is ${Math.round(seconds / 60)} min ${skew > 0 ? 'behind' : 'ahead of'} that of the store ${host}`
  return [
    finding('S3_CLOCK_SKEW', 'warning', cause, { skew_seconds: Math.round(skew / 1000), store: host }, [
      'timedatectl status',
    ]),
  ]
}

/** The worker adds what its catalogue says of the fix. */
function finding(
  code: string,
  severity: DiagnosisFinding['severity'],
  cause: string,
  ...[evidence = {}, commands = []]: [evidence?: DiagnosisFinding['evidence'], commands?: readonly string[]]
): DiagnosisFinding {
  return { code, severity, stage: 'sink', cause, evidence, fix: '', commands }
}
