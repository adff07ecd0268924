const pieces = ['"', '{', '}', '[', ']', ',', ':', '-', '0', '9', 'e', '.', 'null', 'true', '1e999', '"NaN"', '\\', 'é']

/** Changes, inserts and removes bytes and pieces of JSON, in one to four places. */
export function mutatedJson(bytes: Buffer, random: () => number): Buffer {
  const result = [...bytes]
  for (let times = 1 + Math.floor(random() * 4); times > 0; times -= 1) {
    const place = Math.floor(random() * (result.length + 1))
    const kind = random()
    if (kind < 0.3) result[Math.min(place, Math.max(0, result.length - 1))] = Math.floor(random() * 256)
    else if (kind < 0.7)
      result.splice(place, random() < 0.5 ? 1 : 0, ...Buffer.from(pieces[Math.floor(random() * pieces.length)] ?? ''))
    else result.splice(place, Math.floor(random() * 6))
  }
  return Buffer.from(result)
}
