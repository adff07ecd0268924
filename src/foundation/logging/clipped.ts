/** The text, or its beginning with how many characters it has in all: for messages that name what somebody else wrote. */
export function clipped(text: string, max = 200): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length} characters)`
}
