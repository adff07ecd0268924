/** The file name of a test's recording. */
export function recordingName(test: string): string {
  return `${test.replaceAll('/', '+')}.json`
}
