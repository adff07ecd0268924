import { BadRequestError } from '../herder-errors.ts'
import type { PluginKind } from '../../plugin/plugin-descriptor.ts'

/** A plugin this worker can load. */
export interface PluginInfo {
  readonly className: string
  readonly kind: PluginKind
  /** Null when the plugin does not report one. */
  readonly version: string | null
}

/** Checks that a version of a request, null or `latest` for any, is the one that is installed. @throws BadRequestError */
export function checkVersion(
  plugin: { readonly className: string; readonly version: string },
  asked: string | null,
): void {
  const version = asked ?? 'latest'
  if (version.toLowerCase() === 'latest' || version === plugin.version) return
  throw new BadRequestError(
    `Version ${version} of ${plugin.className} is not installed, ${plugin.version} is: a worker runs one version of each plugin`,
  )
}
