// The one table of errors: what every edge tells of a refusal. HTTP statuses, gRPC status names and
// titles stand here and nowhere else.

interface ErrorRow {
  readonly http: number
  /** A name of google.rpc.Code. */
  readonly grpc: string
  readonly title: string
  /** What the page /problems/<code> says: what it means and what to do. */
  readonly meaning: string
}

export const errorTable = {
  malformed: {
    http: 400,
    grpc: 'INVALID_ARGUMENT',
    title: 'The request cannot be read',
    meaning:
      'The request is not well-formed: broken JSON, bad UTF-8, a bad header or query. Correct it; the same request fails again.',
  },
  invalid_value: {
    http: 422,
    grpc: 'INVALID_ARGUMENT',
    title: 'A value is not allowed',
    meaning:
      'The request was read, but a value in it is missing, of the wrong type or outside its limit. Every fault is listed in errors.',
  },
  unknown_field: {
    http: 422,
    grpc: 'INVALID_ARGUMENT',
    title: 'A field is not known',
    meaning:
      'The request has a member or query parameter that this operation does not take. Remove or correct it.',
  },
  idempotency_key_reused: {
    http: 422,
    grpc: 'INVALID_ARGUMENT',
    title: 'The key was used for another request',
    meaning: 'The same Idempotency-Key came with a different body. Use a new key for a new request.',
  },
  unauthenticated: {
    http: 401,
    grpc: 'UNAUTHENTICATED',
    title: 'Who are you?',
    meaning: 'No valid credentials came with the request. Send Authorization: Bearer <key or token>.',
  },
  token_expired: {
    http: 401,
    grpc: 'UNAUTHENTICATED',
    title: 'The token has expired',
    meaning: 'Get a new token and repeat the request.',
  },
  forbidden: {
    http: 403,
    grpc: 'PERMISSION_DENIED',
    title: 'Not allowed',
    meaning: 'The credentials are good but do not allow this. Repeating it does not help.',
  },
  quota_exceeded: {
    http: 403,
    grpc: 'RESOURCE_EXHAUSTED',
    title: 'The quota is used up',
    meaning: 'A count (not a rate) of the tenant is at its limit. Delete something, or ask for more.',
  },
  not_found: {
    http: 404,
    grpc: 'NOT_FOUND',
    title: 'There is no such thing',
    meaning: 'Nothing of this name exists for this tenant.',
  },
  method_not_allowed: {
    http: 405,
    grpc: 'UNIMPLEMENTED',
    title: 'The path does not take this method',
    meaning: 'The header Allow lists the methods that it takes.',
  },
  not_acceptable: {
    http: 406,
    grpc: 'UNIMPLEMENTED',
    title: 'No such representation',
    meaning: 'The header Accept asks for a media type that is not served here.',
  },
  unsupported_media_type: {
    http: 415,
    grpc: 'UNIMPLEMENTED',
    title: 'The media type is not read here',
    meaning: 'Send the body as application/json.',
  },
  wrong_state: {
    http: 409,
    grpc: 'FAILED_PRECONDITION',
    title: 'The timer is in the wrong state',
    meaning: 'The operation is not possible in the state the timer is in. Look at it and decide again.',
  },
  idempotency_in_progress: {
    http: 409,
    grpc: 'ABORTED',
    title: 'The same request is still running',
    meaning: 'A request with this Idempotency-Key has not been answered yet. Repeat it a little later.',
  },
  version_mismatch: {
    http: 412,
    grpc: 'ABORTED',
    title: 'The timer has another version',
    meaning: 'Somebody changed the timer since you read it. Read it again and decide again.',
  },
  already_exists: {
    http: 412,
    grpc: 'ALREADY_EXISTS',
    title: 'The timer exists already',
    meaning: 'If-None-Match: * asks to create only, and there is such a timer.',
  },
  too_large: {
    http: 413,
    grpc: 'RESOURCE_EXHAUSTED',
    title: 'The body is too large',
    meaning: 'The limit is 64 KiB; 1 MiB for /v1/commands.',
  },
  rate_limited: {
    http: 429,
    grpc: 'RESOURCE_EXHAUSTED',
    title: 'Too many requests',
    meaning: 'Come back after retryAfterMs.',
  },
  idempotency_capacity: {
    http: 429,
    grpc: 'RESOURCE_EXHAUSTED',
    title: 'Too many keys are remembered',
    meaning: 'The tenant uses more Idempotency-Keys a day than its quota. Nothing was done.',
  },
  unavailable: {
    http: 503,
    grpc: 'UNAVAILABLE',
    title: 'Not available at the moment',
    meaning: 'Nothing was done. Repeat the request after retryAfterMs.',
  },
  log_full: {
    http: 503,
    grpc: 'UNAVAILABLE',
    title: 'The log is full',
    meaning:
      'Nothing was done: the log of this partition has no room for commands. The operator has been told.',
  },
  outcome_unknown: {
    http: 504,
    grpc: 'DEADLINE_EXCEEDED',
    title: 'The outcome is not known',
    meaning:
      'The change may or may not have been made. Read the timer, or repeat the request with the same key.',
  },
  internal: {
    http: 500,
    grpc: 'INTERNAL',
    title: 'A fault on our side',
    meaning: 'This should not happen. Tell us the requestId.',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errorTable

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorTable, text)
}

/** One fault of an input, located by exactly one of the three. */
export interface Fault {
  /** RFC 6901. */
  readonly pointer?: string
  readonly parameter?: string
  readonly header?: string
  readonly code: string
  readonly detail: string
}

/** A "no" as a value: nothing was done, unless the code is outcome_unknown. */
export interface Refusal {
  readonly code: ErrorCode
  readonly detail: string
  readonly retryAfterMs?: number
  readonly errors?: readonly Fault[]
}

/** A refusal where there is no result to put it in: thrown by streams and awaited by edges. */
export class RefusalError extends Error {
  readonly refusal: Refusal
  /** `cause`: for the log only. */
  constructor(refusal: Refusal, options?: { readonly cause: unknown }) {
    super(`${refusal.code}: ${refusal.detail}`, options)
    this.name = 'RefusalError'
    this.refusal = refusal
  }
}
