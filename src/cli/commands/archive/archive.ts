import type { Group } from '../../command/command.ts'
import { verify } from './verify.ts'

export const archive: Group = {
  name: 'archive',
  summary: 'prove archives that the S3 sink wrote',
  verbs: [verify],
}
