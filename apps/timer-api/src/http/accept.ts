// Accept, as far as there is one representation to offer: yes or no.

/** Whether a client with this Accept header takes `mediaType`. */
export function isAcceptable(accept: string | undefined, mediaType: string): boolean {
  if (accept === undefined || accept === '*/*' || accept === mediaType) return true
  const wanted = mediaType.split(';', 1)[0] ?? ''
  const [type] = wanted.split('/', 1)
  let best: { specific: number; quality: number } = { specific: 0, quality: 0 }
  for (const range of accept.split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const specific = name === wanted ? 3 : name === `${type ?? ''}/*` ? 2 : name === '*/*' ? 1 : 0
    if (specific <= best.specific) continue
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    best = { specific, quality: q === undefined ? 1 : Number(q.slice(2)) }
  }
  return best.quality > 0
}
