/** The state a connector should be in, as opposed to the state that its worker reports. */
export type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED'
