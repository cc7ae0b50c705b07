// What handlers work with. They know no process, socket or environment.

import type { Clock } from '@timers/shared/clock.ts'
import type { CoreClient } from '@timers/shared/grpc/core-client.ts'
import type { ViewerMessage } from '@timers/shared/cluster/live.ts'
import type {
  EventPage,
  FeedPage,
  FeedQuery,
  ListQuery,
  TimerEventsQuery,
  TimerPage,
  TimerStats,
} from '@timers/shared/timer/queries.ts'
import type { Answer } from './answer.ts'

/** Questions to the read model. `deadlineMs`: cluster time. They throw a RefusalError. */
export interface Queries {
  list(query: ListQuery, deadlineMs: number): Promise<TimerPage>
  timerEvents(query: TimerEventsQuery, deadlineMs: number): Promise<EventPage>
  feed(query: FeedQuery, deadlineMs: number): Promise<FeedPage>
  stats(tenantId: string, deadlineMs: number): Promise<TimerStats>
}

/** A bounded number of places. */
export interface Places {
  /** False when all are taken; each that was entered is to be left. */
  enter(): boolean
  leave(): void
}

/** What is shown as it is; made once. */
export interface Documents {
  readonly home: Answer
  readonly docs: Answer
  readonly openApi: Answer
}

export interface Services {
  readonly core: CoreClient
  readonly queries: Queries
  readonly clock: Clock
  readonly cluster: { readonly dataId: string; readonly partitionCount: number }
  /** To the viewers, at most once. False: nobody can be reached at the moment. */
  readonly tellViewers: (message: ViewerMessage) => boolean
  /** Places for requests that wait for events. */
  readonly feedWaiters: Places
  readonly documents: Documents
  /** A new timer's id. */
  readonly newTimerId: () => string
}
