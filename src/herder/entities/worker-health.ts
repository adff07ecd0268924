/** Whether the herder's loop responds. A failed task never makes a worker unhealthy. */
export type WorkerHealth =
  | { readonly status: 'healthy' }
  /** Reading the internal topics and the first join have not completed; `stage` says what is in progress. */
  | { readonly status: 'starting'; readonly stage: string }
  /** Startup has completed, but the loop did not respond in time; `stage` says where it hangs. */
  | { readonly status: 'unhealthy'; readonly stage: string }
