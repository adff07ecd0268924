import { expect, it } from 'vitest'

import { ConnectApi } from '../../../../src/cli/rest-client/connect-api.ts'
import { RestClient } from '../../../../src/cli/rest-client/rest-client.ts'
import { shownBy, shownConfig } from '../../../../src/cli/configs/secrets.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { startedRest } from '../../../support/rest/started-rest.ts'

it('shows a config with its secrets masked, and references to secrets as they are', async () => {
  const server = await startedRest()
  const config = {
    'connector.class': 'FileStreamSource',
    topic: 'lines',
    'database.password': 'hunter2',
    'sasl.jaas.config': 'user="a" password="${file:/run/secret:password}";',
    'api.key': '${env:API_KEY}',
  }
  const shown = shownConfig(
    config,
    await shownBy(new ConnectApi(new RestClient(server.url, null, systemClock)), config),
  )
  expect(shown).toEqual({
    ...config,
    'database.password': '********',
    'sasl.jaas.config': '********${file:/run/secret:password}********',
  })
  await server.close()
})
