import type { Backoff } from '../../foundation/async/backoff.ts'

/** The pause before a connector whose start failed, or a task whose thread died, is started again. */
export const restartBackoff: Backoff = { initialMs: 500, maxMs: 30_000 }
