import { plainJson } from '../../api/json/json-text.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { FollowedTopic } from '../../herder/topics/topic-browser.ts'
import { recordJson } from './record-json.ts'

/**
 * Records as Server-Sent Events: one event for each, with the position behind it as its id; a comment when there was none for a
 * while. An event `failure` with the reason ends the stream when the topic cannot be read any more.
 */
export async function* recordEvents({ batches }: Pick<FollowedTopic, 'batches'>): AsyncGenerator<string> {
  // The client has the head of the response only with the first bytes behind it.
  yield ': follows\n\n'
  try {
    for await (const batch of batches) {
      if (batch.length === 0) yield ': waits\n\n'
      else yield batch.map(({ record, next }) => `id: ${next}\ndata: ${recordJson(record)}\n\n`).join('')
    }
  } catch (error) {
    yield `event: failure\ndata: ${plainJson({ message: errorMessage(error) })}\n\n`
  }
}
