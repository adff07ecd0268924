/** Whether the herder's own loop answers. A failed task never makes a worker unhealthy. */
export type WorkerHealth =
  | { readonly status: 'healthy' }
  /** The first pass over the internal topics and the first join have not ended; `stage` says what is under way. */
  | { readonly status: 'starting'; readonly stage: string }
  /** Startup had ended, but the loop did not answer in time; `stage` says where it hangs. */
  | { readonly status: 'unhealthy'; readonly stage: string }
