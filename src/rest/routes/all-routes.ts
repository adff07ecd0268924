import type { Route } from '../route.ts'

import { activityRoutes } from '../dashboard/activity-routes.ts'
import { dashboardRoutes } from '../dashboard/dashboard-routes.ts'
import { metricsRoutes } from '../metrics/metrics-routes.ts'
import { topicRoutes } from '../topics/topic-routes.ts'
import { connectorRoutes } from './connector-routes.ts'
import { diagnosisRoutes } from './diagnosis-routes.ts'
import { errorRoutes } from './error-routes.ts'
import { loggerRoutes } from './logger-routes.ts'
import { offsetRoutes } from './offset-routes.ts'
import { pluginRoutes } from './plugin-routes.ts'
import { stateRoutes } from './state-routes.ts'
import { taskRoutes } from './task-routes.ts'
import { workerRoutes } from './worker-routes.ts'

/** Every operation of the API; openapi.yaml describes the same ones. */
export const allRoutes: readonly Route[] = [
  ...workerRoutes,
  ...metricsRoutes,
  ...connectorRoutes,
  ...stateRoutes,
  ...offsetRoutes,
  ...errorRoutes,
  ...diagnosisRoutes,
  ...taskRoutes,
  ...pluginRoutes,
  ...loggerRoutes,
  ...activityRoutes,
  ...dashboardRoutes,
  ...topicRoutes,
]
