// Durations as people write and read them. Pure; the service judges how long one may be.

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

const shape = /^([+-]?)((?:\d+(?:\.\d+)?(?:ms|[smhdw]))+|\d+)$/
const part = /(\d+(?:\.\d+)?)(ms|[smhdw])/g

/** `90s`, `1h30m`, `1.5s`, `-10s`; a bare number is milliseconds. Undefined: it is none, or no whole number of ms. */
export function parseDuration(text: string): number | undefined {
  const [, sign, size = ''] = shape.exec(text) ?? []
  if (size === '') return undefined
  let ms = /\D/.test(size) ? 0 : Number(size)
  for (const [, number, unit] of size.matchAll(part))
    ms += Number(number) * unitMs[unit as keyof typeof unitMs]
  // 1.001 s is 1000.9999999999999 in binary.
  const whole = Math.round(ms)
  if (!Number.isSafeInteger(whole) || Math.abs(ms - whole) > 1e-6) return undefined
  return sign === '-' && whole > 0 ? -whole : whole
}

/** `0:03.0`, `12:34.5`, `1:02:03`, `2d 01:02:03`: never less than is left, so that 0 is shown at the end only. */
export function formatDuration(ms: number): string {
  const tenths = Math.ceil(Math.abs(ms) / 100)
  const sign = ms < 0 ? '-' : ''
  if (tenths < 36_000)
    return `${sign}${Math.floor(tenths / 600)}:${twoDigits(Math.floor(tenths / 10) % 60)}.${tenths % 10}`
  const seconds = Math.ceil(Math.abs(ms) / 1000)
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24]
  const rest = `${twoDigits(Math.floor(seconds / 60) % 60)}:${twoDigits(seconds % 60)}`
  return days === 0 ? `${sign}${hours}:${rest}` : `${sign}${days}d ${twoDigits(hours)}:${rest}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
