/** Returns the entries whose keys begin with `prefix`, without the prefix (Kafka's `originalsWithPrefix`). */
export function configWithPrefix<T>(config: Readonly<Record<string, T>>, prefix: string): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    ),
  )
}
