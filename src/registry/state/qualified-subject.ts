/** A subject and its context. Ids, and the subjects that a schema refers to, belong to a context. */
export interface QualifiedSubject {
  /** Begins with a dot; `.` is the default context. */
  readonly context: string
  readonly subject: string
}

export const defaultContext = '.'
/** The context whose config and mode apply to all others that have none. */
export const globalContext = '.__GLOBAL'
/** In place of a context: all of them. */
export const anyContext = ':*:'

const reservedSubjects: ReadonlySet<string> = new Set(['__GLOBAL', '__EMPTY'])

/** Parses `subject`, `:.context:subject`, or a context alone, `:.context:`. */
export function parseSubject(text: string): QualifiedSubject {
  if (!text.startsWith(':.')) return { context: defaultContext, subject: text }
  const end = text.indexOf(':', 2)
  if (end < 0) return { context: text.slice(1), subject: '' }
  return { context: text.slice(1, end), subject: text.slice(end + 1) }
}

/** The name of a subject in the topic and in responses. */
export function formatSubject({ context, subject }: QualifiedSubject): string {
  return `${contextPrefix(context)}${subject}`
}

/** `:.context:`; empty for the default context. */
export function contextPrefix(context: string): string {
  return context === defaultContext ? '' : `:${context}:`
}

/** The one name that a subject has in the topic: `:.:orders` is `orders`. */
export function normalSubject(text: string): string {
  return formatSubject(parseSubject(text))
}

export function contextOf(subject: string): string {
  return parseSubject(subject).context
}

/** The subject that a schema of `parent` refers to: in the same context, unless the name has one. */
export function referredSubject(parent: string, name: string): string {
  const referred = parseSubject(name)
  if (referred.context !== defaultContext) return formatSubject(referred)
  return formatSubject({ context: contextOf(parent), subject: name })
}

/** Whether schemas may be registered under the name; configs and modes may belong to a whole context. */
export function isValidSubject(text: string, of: 'schemas' | 'settings'): boolean {
  // oxlint-disable-next-line no-control-regex -- these are what is refused
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text) || !text.isWellFormed()) return false
  const { context, subject } = parseSubject(text)
  if (reservedSubjects.has(subject)) return false
  return of === 'settings' || (subject !== '' && context !== globalContext)
}

/** Whether `subject` is `scope`, or belongs to it when that is a context. Null: all subjects. */
export function isWithin(subject: string, scope: string | null): boolean {
  if (scope === null || subject === scope) return true
  const parsed = parseSubject(scope)
  return parsed.subject === '' && (parsed.context === globalContext || parsed.context === contextOf(subject))
}
