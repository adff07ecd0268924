/** Returns whether a node of Elasticsearch or OpenSearch takes writes. */
export const healthy = (address: string) => async (signal: AbortSignal) => {
  const response = await fetch(`${address}/_cluster/health`, { signal })
  const { status } = (await response.json()) as { status?: string }
  return status === 'green' || status === 'yellow'
}
