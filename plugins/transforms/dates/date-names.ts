// The names of Java's locale en_US.

export const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const

export const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const

export const eras = ['BC', 'AD'] as const

/** Java reads these, but does not write them. */
export const longEras = ['Before Christ', 'Anno Domini'] as const

export const halfDays = ['AM', 'PM'] as const

export const utcNames = ['UTC', 'Coordinated Universal Time'] as const

/** Offsets in hours of the abbreviations of zones of the United States, which RFC 822 defines. */
export const zoneHours: Readonly<Record<string, number>> = {
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
}
