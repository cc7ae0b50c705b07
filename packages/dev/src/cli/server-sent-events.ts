// Server-sent events (HTML Living Standard, 9.2): bytes in, events out. It opens and repeats nothing.

export interface ServerSentEvent {
  readonly event: string
  readonly data: string
  /** The last one told, also by an earlier event. */
  readonly id: string
}

/** `onBytes` is called for whatever comes, `onRetry` with the pause the server asks for before another try. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  hear: { readonly onBytes?: () => void; readonly onRetry?: (ms: number) => void } = {},
): AsyncGenerator<ServerSentEvent, void, void> {
  const decoder = new TextDecoder()
  let rest = ''
  let id = ''
  let event = ''
  let data: string[] = []
  for await (const bytes of body) {
    hear.onBytes?.()
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n'), id }
        event = ''
        data = []
        continue
      }
      const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
      if (name === 'event') event = value
      else if (name === 'data') data.push(value)
      else if (name === 'id' && !value.includes('\0')) id = value
      else if (name === 'retry' && /^\d+$/.test(value)) hear.onRetry?.(Number(value))
    }
  }
}
