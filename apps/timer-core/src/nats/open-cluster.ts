// The cluster as a node finds or makes it, once its broker has shown that it can be relied on.

import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from '@timers/shared/logger.ts'
import type { ClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { ensureCluster, type ClusterOptions } from './cluster-setup.ts'
import { probeFence } from './fence-probe.ts'

export interface OpenClusterOptions extends ClusterOptions {
  readonly name: string
  readonly natsServers: readonly string[]
  /** How the broker syncs its files, as its operator says. */
  readonly sync: 'lazy' | 'always'
}

const lazy =
  'LOG_SYNC=lazy: what is acknowledged outlives every process, but a power cut of the broker may take the last moments. ' +
  'With sync_interval: always in its configuration it does not; then set LOG_SYNC=always'

export async function openCluster(
  options: OpenClusterOptions,
  deps: { readonly connection: NatsConnection; readonly logger: Logger },
): Promise<ClusterRecord> {
  const { name, natsServers, sync } = options
  const cluster = await ensureCluster(options, deps)
  const other = await connectNats({ servers: natsServers, name: `${name}-probe`, reconnect: true }, deps)
  try {
    await probeFence({ node: name, replicas: cluster.replicas }, [deps.connection, other])
  } finally {
    await other.close()
  }
  if (sync === 'lazy') deps.logger.warn({}, lazy)
  return cluster
}
