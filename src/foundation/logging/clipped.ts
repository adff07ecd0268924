/** Returns the text, cut to `max` characters with its length appended: for messages that quote input. */
export function clipped(text: string, max = 200): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length} characters)`
}
