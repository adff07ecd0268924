import type { Group } from '../../command/command.ts'
import { applyConnectors } from './apply.ts'
import { createConnectors } from './create.ts'
import { deleteConnectors } from './delete.ts'
import { editConnector } from './edit.ts'
import { getConnector } from './get.ts'
import { listConnectors } from './list.ts'
import { pauseConnectors, restartConnectors, resumeConnectors, stopConnectors } from './states.ts'
import { validateConnectors } from './validate.ts'

export const connectors: Group = {
  name: 'connectors',
  summary: 'list, create, change, pause and restart connectors',
  verbs: [
    listConnectors,
    getConnector,
    createConnectors,
    applyConnectors,
    editConnector,
    validateConnectors,
    pauseConnectors,
    resumeConnectors,
    stopConnectors,
    restartConnectors,
    deleteConnectors,
  ],
}
