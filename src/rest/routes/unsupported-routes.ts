import type { Method, Route } from '../route.ts'

import { RestError } from '../rest-error.ts'

/** Operations of Connect that are known and not served: method, path, and what to do meanwhile. */
export const unsupported: readonly (readonly [method: Method, path: string, instead: string])[] = [
  ['PATCH', '/connectors/{connector}/config', 'put the whole config with PUT'],
  ['PATCH', '/connectors/{connector}/offsets', 'offsets cannot be altered over REST'],
  [
    'DELETE',
    '/connectors/{connector}/offsets',
    'offsets cannot be reset over REST; a connector of another name begins anew',
  ],
  ['PUT', '/connectors/{connector}/topics/reset', 'the topics a connector has used cannot be forgotten'],
  ['GET', '/admin/loggers', 'log levels are set when the worker is started'],
  ['GET', '/admin/loggers/{logger}', 'log levels are set when the worker is started'],
  ['PUT', '/admin/loggers/{logger}', 'log levels are set when the worker is started'],
  ['POST', '/connectors/{connector}/tasks', 'it is how the workers of a Java cluster talk to each other'],
  ['PUT', '/connectors/{connector}/fence', 'it is how the workers of a Java cluster talk to each other'],
]

/** Each answers 501 by name. */
export const unsupportedRoutes: readonly Route[] = unsupported.map(([method, path, instead]) => ({
  method,
  path,
  handle: () => Promise.reject(new RestError(501, `${method} ${path} is not served: ${instead}`)),
}))
