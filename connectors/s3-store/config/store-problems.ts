import type { ConfigProblem, ParsedConfig } from 'penstock/api'

import { knowsProxies } from '../client/proxy-agents.ts'
import { providerKind } from './credential-options.ts'
import type { StoreOption } from './store-options.ts'

/** The problems between the settings of a connection that are valid one by one. @param nodeVersion such as 24.5.0. */
export function storeProblems(
  config: ParsedConfig,
  nodeVersion: string = process.versions.node,
): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const complain = (keys: readonly StoreOption[], message: string): void => {
    for (const key of keys) problems.push({ key, message })
  }
  const given = (key: StoreOption): boolean => String(config[key] ?? '').trim() !== ''
  if (given('aws.access.key.id') !== given('aws.secret.access.key')) {
    complain(
      ['aws.access.key.id', 'aws.secret.access.key'],
      'Set both aws.access.key.id and aws.secret.access.key, or neither to use the environment.',
    )
  }
  const kind = providerKind(String(config['s3.credentials.provider.class']))
  if (kind === 'role' && !given('s3.credentials.provider.sts.role.arn')) {
    complain(['s3.credentials.provider.sts.role.arn'], 'AwsAssumeRoleCredentialsProvider needs the ARN of a role.')
  }
  if (config['s3.wan.mode'] === true && config['s3.path.style.access.enabled'] !== false) {
    complain(
      ['s3.wan.mode', 's3.path.style.access.enabled'],
      'Transfer acceleration needs the bucket in the host name: set s3.path.style.access.enabled to false.',
    )
  }
  if (config['s3.wan.mode'] === true && given('store.url')) {
    complain(
      ['s3.wan.mode', 'store.url'],
      'Transfer acceleration is a feature of Amazon S3: it cannot be used with store.url.',
    )
  }
  if (!given('s3.proxy.url') && given('s3.proxy.user')) {
    complain(['s3.proxy.user'], 's3.proxy.user needs s3.proxy.url.')
  }
  if (given('s3.proxy.url') && !knowsProxies(nodeVersion)) {
    complain(['s3.proxy.url'], `Proxies need Node 24.5 or later, and this is Node ${nodeVersion}.`)
  }
  return problems
}
