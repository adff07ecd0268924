/** What a connector should be doing, as opposed to {@link State}, what it does. */
export type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED'
