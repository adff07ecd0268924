import { AsyncLocalStorage } from 'node:async_hooks'

import type { DiagnosisFinding } from '../../api/diagnosis/finding.ts'
import { ConnectError } from '../../api/errors.ts'
import { parseConfig } from '../../config/definition/parse-config.ts'
import { describePlugin } from '../../config/definition/describe-plugin.ts'
import { validateConnector } from '../../config/connector/validate-connector.ts'
import { unreachable } from '../../foundation/assert.ts'
import { systemClock } from '../../foundation/clock.ts'
import { collectGarbage } from '../../foundation/process/idle-memory.ts'
import { LogLevels } from '../../foundation/logging/log-levels.ts'
import { NamedLogger } from '../../foundation/logging/named-logger.ts'
import { provideApi } from '../../plugin/plugin-api.ts'
import { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { ForwardingSink } from '../thread/forwarding-sink.ts'
import { ThreadLink } from '../thread/thread-link.ts'
import { answerProbes } from '../thread/thread-probe.ts'
import { ThreadSecrets } from '../thread/thread-secrets.ts'
import { parent, startedWith } from '../thread/thread-side.ts'
import { ConnectorHost } from './connector-host.ts'
import { locatedRecord } from './records/record-places.ts'
import { RecordReading } from './records/record-reading.ts'
import {
  redactedMessage,
  type FromPluginThread,
  type PluginThreadData,
  type ToPluginThread,
} from './plugin-thread-messages.ts'

/** A plugin thread: connector instances, validation, task configs, records for people. It uses neither the broker nor other threads. */
const data = startedWith<PluginThreadData>()
const plugins = new PluginRegistry(data.foundPlugins)
provideApi(data.foundPlugins)
const sink = new ForwardingSink(LogLevels.sharedWith(data.logLevels), (message) => link.send(message))
const logger = new NamedLogger('connect.runtime', sink)
const secrets = new ThreadSecrets(data.providers, plugins, systemClock)
const link = new ThreadLink<FromPluginThread, Record<string, never>, ToPluginThread>(
  parent(),
  handle,
  secrets.outlet(redactedMessage),
)
const owners = new AsyncLocalStorage<number>()
const inNameOf = async <T>(owner: number, action: () => Promise<T>): Promise<T> => await owners.run(owner, action)
const host = new ConnectorHost({
  plugins,
  secrets,
  logger: logger.child('Connector'),
  clock: systemClock,
  inNameOf,
  onReconfigure: (connector, owner) => link.send({ type: 'reconfigure', connector, owner }),
  onFailed: (connector, owner, failure) => link.send({ type: 'connector-failed', connector, owner, failure }),
  onSecrets: (connector, owner, refresh) => link.send({ type: 'connector-secrets', connector, owner, refresh }),
})
const records = new RecordReading({
  plugins,
  secrets,
  redacted: (text) => secrets.redaction.text(text),
  clock: systemClock,
})

secrets.guardProcess()
answerProbes(() => owners.getStore() ?? null)

function handle(message: ToPluginThread): unknown {
  switch (message.type) {
    case 'start-connector':
      return host.start(message.connector, message.owner, message.config)
    case 'stop-connector':
      return host.stop(message.connector, message.owner)
    case 'task-configs':
      return host.taskConfigs(message.connector, message.maxTasks)
    case 'validate':
      return inNameOf(message.owner, async () => await validate(message))
    case 'plugin-config':
      return inNameOf(message.owner, async () => await describePlugin(plugins, message.plugin))
    case 'alter-offsets':
      return inNameOf(message.owner, async () => await alterOffsets(message))
    case 'read-records':
      return inNameOf(
        message.owner,
        async () => await records.read(message.asked, AbortSignal.timeout(message.timeoutMs)),
      )
    case 'diagnose':
      return inNameOf(message.owner, async () => await diagnose(message))
    case 'locate-record':
      return inNameOf(message.owner, async () => {
        const parts = { plugins, secrets, logger: logger.child('Connector') }
        return await locatedRecord(message.asked, parts, AbortSignal.timeout(message.timeoutMs))
      })
    case 'ping':
      return undefined
    case 'may-rest':
      return mayRest()
    case 'stop-all':
      return host.stopAll()
    default:
      return unreachable(message, 'message to the plugin thread')
  }
}

/** Returns whether nothing is active here: only the port to the main thread is open, no timer, socket or file. */
function mayRest(): boolean {
  const rests = process.getActiveResourcesInfo().every((resource) => resource === 'MessagePort')
  if (!rests) collectGarbage()
  return rests
}

/** A plugin without the method accepts every change, and may have other offsets. */
async function alterOffsets(message: Extract<ToPluginThread, { type: 'alter-offsets' }>): Promise<boolean> {
  const { offsets } = message
  const plugin = await plugins.load(plugins.connector(message.config['connector.class'] ?? ''))
  const signal = AbortSignal.timeout(message.timeoutMs)
  const references = await secrets.resolve([message.config], signal)
  const config = references.complete(message.config)
  if (offsets.kind === 'replay' && plugin.replays === false)
    throw new ConnectError(
      `${plugin.className} does not deliver the records of dead letters again: what it has written is found by offsets, and would be ` +
        'replaced. Read them from the dead letter queue with another connector',
    )
  const altered =
    offsets.kind === 'source'
      ? plugin.alterSourceOffsets?.(config, offsets.changes, signal)
      : plugin.alterSinkOffsets?.(config, offsets.changes, signal)
  return (await altered) ?? false
}

/** Findings are shown to users: what the plugin quotes of its config has no secrets (I8). */
async function diagnose(message: Extract<ToPluginThread, { type: 'diagnose' }>): Promise<readonly DiagnosisFinding[]> {
  const { connector, config: raw, topics, timeoutMs } = message
  const plugin = await plugins.load(plugins.connector(raw['connector.class'] ?? ''))
  if (plugin.diagnose === undefined) return []
  const signal = AbortSignal.timeout(timeoutMs)
  const references = await secrets.resolve([raw], signal)
  const complete = references.complete(raw)
  const config = parseConfig(plugin.configDef, complete)
  const findings = await plugin.diagnose({ connector, config, raw: complete, topics, clock: systemClock, signal })
  return secrets.redaction.isEmpty ? findings : secrets.redaction.value(findings)
}

async function validate(message: Extract<ToPluginThread, { type: 'validate' }>): Promise<unknown> {
  const signal = AbortSignal.timeout(message.timeoutMs)
  const context = { plugins, providers: secrets, worker: message.worker, signal }
  const { infos, literalSecrets } = await validateConnector(message.config, context)
  if (literalSecrets.length > 0) {
    const connector = message.config['name'] ?? null
    logger.debug('literal secrets are stored as they are, and REST shows them', { connector, keys: literalSecrets })
  }
  return infos
}
