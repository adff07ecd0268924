import { expect, it } from 'vitest'

import { storeProblems } from '../../../../connectors/s3-store/config/store-problems.ts'
import { storeOptions } from '../../../../connectors/s3-store/config/store-options.ts'
import { plugin as sink } from '../../../../connectors/s3-sink/index.ts'
import { plugin as source } from '../../../../connectors/s3-source/index.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'

const role = {
  's3.bucket.name': 'bucket',
  's3.credentials.provider.class': 'io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider',
}

it.each([
  [sink, { 'format.class': 'io.confluent.connect.s3.format.json.JsonFormat', 'flush.size': '1' }],
  [source, { 'format.class': 'io.confluent.connect.s3.format.json.JsonFormat', mode: 'RESTORE_BACKUP' }],
])('$className checks what goes together in its connection, before it asks the store', async (plugin, own) => {
  const raw = { ...own, ...role }
  expect(await plugin.check?.(parseConfig(plugin.configDef, raw), raw, AbortSignal.timeout(60_000))).toEqual([
    { key: 's3.credentials.provider.sts.role.arn', message: expect.stringContaining('needs the ARN of a role') },
  ])
})

it('a proxy is refused on a version of Node that would connect directly', () => {
  const config = parseConfig(storeOptions, { 's3.bucket.name': 'bucket', 's3.proxy.url': 'http://proxy:3128' })
  expect(storeProblems(config, '24.5.0')).toEqual([])
  expect(storeProblems(config, '24.4.1')).toEqual([
    { key: 's3.proxy.url', message: 'Proxies need Node 24.5 or later, and this is Node 24.4.1.' },
  ])
})
