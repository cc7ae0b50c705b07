// The route table: what this API is. It makes the express routes and the OpenAPI document.

import { commandRoute } from './command-route.ts'
import { messageRoutes } from './message-routes.ts'
import { pageRoutes } from './page-routes.ts'
import { readRoutes } from './read-routes.ts'
import type { Route } from './route.ts'
import { streamRoute } from './stream-route.ts'
import { timerRoutes } from './timer-routes.ts'

export const routes: readonly Route[] = [
  ...timerRoutes,
  commandRoute,
  ...readRoutes,
  ...messageRoutes,
  streamRoute,
  ...pageRoutes,
]
