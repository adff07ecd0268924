import { setFlagsFromString } from 'node:v8'

/**
 * Settings of V8 for a process that moves records. Call it before the threads start.
 *
 * Without this, V8 watches which objects live long and allocates their likes among the old ones at once. Records of a burst
 * that waits for its log are such objects; from then on every record is put there, dead a moment later, and costs marking of
 * the whole heap (seen: 70 full collections for 500,000 rows instead of a handful, and a third more CPU).
 *
 * And what is young is small here and mostly dead: waking four threads to copy the rest costs more than copying it.
 */
export function tuneEngine(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
  setFlagsFromString('--no-parallel-scavenge')
}
