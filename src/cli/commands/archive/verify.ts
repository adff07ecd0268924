import type { ArchiveFault, VerifiedPartition } from '../../../../connectors/s3-store/manifest/verify-archive.ts'
import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import type { Verb } from '../../command/command.ts'
import { CommandError } from '../../command/command-error.ts'
import type { Session } from '../../command/session.ts'
import type { Cell } from '../../output/table.ts'
import { placeOf, storeCommandOptions, withStore, type ArchivePlace } from './archive-store.ts'

export const verify: Verb = {
  usage: 'verify ARCHIVE',
  summary: 'Prove that an archive of the S3 sink is whole',
  detail:
    'ARCHIVE is s3://BUCKET/PREFIX, and PREFIX is topics.dir of the sink, which has to have archive.manifest=true. All objects ' +
    'are read. Each fault is named: an object or manifest that is missing, cut off or changed, an object in no manifest, a gap or ' +
    'an overlap of offsets. What was deleted from the end, with its manifests, cannot be missed: compare the last offset with ' +
    'the topic. Credentials are those of the AWS SDK: the environment, a profile, or the instance. The exit code is 1 if there is a fault.',
  options: storeCommandOptions,
  examples: [
    ['archive verify s3://archive/topics', 'an archive in Amazon S3'],
    ['archive verify s3://archive/topics --store-url http://127.0.0.1:9000', 'in MinIO'],
  ],
  isRemote: false,
  run: async (session, given) => await runArchiveVerify(session, placeOf(given.word(0), given)),
}

/** Verifies an archive, and returns the exit code. */
export async function runArchiveVerify(session: Session, place: ArchivePlace): Promise<number> {
  const { out } = session
  const { verifyArchive } = await import('../../../../connectors/s3-store/manifest/verify-archive.ts')
  const faults: ArchiveFault[] = []
  const partitions: VerifiedPartition[] = []
  await withStore(place, session, async (store, layout) => {
    const onFault = (fault: ArchiveFault): void => {
      faults.push(fault)
      if (!out.json) out.remark(`${fault.kind}: ${fault.key}: ${fault.why}`)
    }
    const onPartition = (partition: VerifiedPartition): void => void partitions.push(partition)
    await verifyArchive(store, { layout, onFault, onPartition }, new AbortController().signal)
  })
  if (partitions.length === 0)
    throw new CommandError(`there are no objects of the S3 sink below s3://${place.bucket}/${place.topicsDir}`)
  out.result({ partitions, faults }, () => [
    ...out.table(columns, partitions.map(rowOf)),
    '',
    faults.length === 0 ? 'The archive is whole.' : `The archive has ${faults.length} faults.`,
  ])
  return faults.length === 0 ? exitCodes.done : exitCodes.found
}

const columns = [
  { title: 'TOPIC', narrow: 'cut' },
  { title: 'PARTITION' },
  { title: 'FROM' },
  { title: 'TO' },
  { title: 'RECORDS' },
  { title: 'OBJECTS' },
  { title: 'BYTES' },
  { title: 'FAULTS' },
] as const

function rowOf(verified: VerifiedPartition): readonly Cell[] {
  const { topic, partition, replayId, from, to, records, objects, bytes, faults } = verified
  const name = replayId === null ? String(partition) : `${partition} (replay ${replayId})`
  const count: Cell = { text: String(faults), style: faults === 0 ? 'green' : 'red' }
  return [topic, name, String(from), String(to), String(records), String(objects), String(bytes), count]
}
