// Why we end a connection: 44xx = fix it first, 45xx = come back later. Streams tell it in `goodbye`.

export const closeCodes = {
  badMessage: 4400,
  forbidden: 4403,
  tooBig: 4413,
  internal: 4500,
  tooSlow: 4503,
  draining: 4510,
  tooMany: 4529,
  gone: 1001,
} as const
export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes]
