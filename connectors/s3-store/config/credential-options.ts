import { oneOf, type ConfigDef } from 'penstock/api'

import { s3 } from './grouped-key.ts'

const second = 'software.amazon.awssdk.auth.credentials'
const first = 'com.amazonaws.auth'

/** The places of credentials, and roles. */
type ProviderKind = 'chain' | 'environment' | 'profile' | 'web-identity' | 'container' | 'instance' | 'role'

/** Class names of the AWS SDK for Java, of both major versions, and of Confluent's provider of roles. */
const credentialProviders: Readonly<Record<ProviderKind, readonly string[]>> = {
  chain: [`${second}.DefaultCredentialsProvider`, `${first}.DefaultAWSCredentialsProviderChain`],
  environment: [`${second}.EnvironmentVariableCredentialsProvider`, `${first}.EnvironmentVariableCredentialsProvider`],
  profile: [`${second}.ProfileCredentialsProvider`, `${first}.profile.ProfileCredentialsProvider`],
  'web-identity': [`${second}.WebIdentityTokenFileCredentialsProvider`, `${first}.WebIdentityTokenCredentialsProvider`],
  container: [`${second}.ContainerCredentialsProvider`, `${first}.EC2ContainerCredentialsProviderWrapper`],
  instance: [`${second}.InstanceProfileCredentialsProvider`, `${first}.InstanceProfileCredentialsProvider`],
  role: ['io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider'],
}

const names = Object.values(credentialProviders).flat()

/** Returns where a provider looks for credentials. @param name of its class. */
export function providerKind(name: string): ProviderKind {
  const kinds = Object.entries(credentialProviders) as [ProviderKind, readonly string[]][]
  return kinds.find(([, classes]) => classes.includes(name))?.[0] ?? 'chain'
}

const ofRole = 'AwsAssumeRoleCredentialsProvider: '

/** The options that say where credentials come from. */
export const credentialOptions = {
  'aws.access.key.id': s3(
    'STRING',
    'The access key. Without it, credentials come from s3.credentials.provider.class.',
    { importance: 'HIGH', defaultValue: '' },
  ),
  'aws.secret.access.key': s3('PASSWORD', 'The secret key of aws.access.key.id.', {
    importance: 'HIGH',
    defaultValue: '',
  }),
  's3.credentials.provider.class': s3(
    'CLASS',
    'Where credentials come from when the config has none. DefaultCredentialsProvider: the environment and the default chain of the AWS SDK (profile, container, instance). Others: one of these places only. io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider: AWS STS gives credentials of a role, for those of the config or of the default chain.',
    {
      importance: 'LOW',
      defaultValue: `${second}.DefaultCredentialsProvider`,
      validator: oneOf(...names),
      recommended: names,
    },
  ),
  's3.credentials.provider.sts.role.arn': s3('STRING', `${ofRole}the role.`, { importance: 'LOW', defaultValue: '' }),
  's3.credentials.provider.sts.role.session.name': s3(
    'STRING',
    `${ofRole}the name of the session, which logs of AWS show.`,
    { importance: 'LOW', defaultValue: 'penstock' },
  ),
  's3.credentials.provider.sts.role.external.id': s3(
    'STRING',
    `${ofRole}the external id that the role asks for; empty: none.`,
    { importance: 'LOW', defaultValue: '' },
  ),
  's3.credentials.provider.sts.region': s3('STRING', `${ofRole}the region of STS; empty: that of the bucket.`, {
    importance: 'LOW',
    defaultValue: '',
  }),
  's3.credentials.provider.sts.endpoint': s3(
    'STRING',
    `${ofRole}the URL of another service with the API of STS, such as that of MinIO; empty: Amazon's.`,
    { importance: 'LOW', defaultValue: '' },
  ),
} as const satisfies ConfigDef
