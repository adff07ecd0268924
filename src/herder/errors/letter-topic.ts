import type { RawConfig } from '../../api/config-def.ts'
import { deadLetterSettingsOf } from '../../config/connector/errors/dead-letter-settings.ts'
import { deadLetterConfigDef } from '../../config/connector/errors/error-config-def.ts'
import { hasReference } from '../../config/providers/provider-reference.ts'
import { BadRequestError } from '../herder-errors.ts'

/**
 * Returns the topic of a connector's dead letters.
 * @throws BadRequestError when the connector has no dead letters, or none that name it
 */
export function letterTopicOf(connector: string, config: RawConfig): string {
  for (const key of Object.keys(deadLetterConfigDef)) {
    if (hasReference(config[key]))
      throw new BadRequestError(
        `Connector ${connector} has a reference to a config provider in ${key}, which only its tasks resolve. ` +
          'To see its dead letters, put the value itself into the config',
      )
  }
  const settings = deadLetterSettingsOf(config)
  if (settings === null)
    throw new BadRequestError(
      `Connector ${connector} has no dead letter queue. Name its topic with errors.deadletterqueue.topic.name`,
    )
  if (!settings.contextHeaders)
    throw new BadRequestError(
      `The dead letters of connector ${connector} do not say why they failed, or whose they are. ` +
        'Set errors.deadletterqueue.context.headers.enable=true: letters that are written from then on can be listed',
    )
  return settings.topic
}
