// Which partition a timer belongs to: fixed for a cluster's life, the same in every process.

import { crc32 } from 'node:zlib'

export function partitionOf(tenantId: string, timerId: string, partitionCount: number): number {
  return crc32(`${tenantId}/${timerId}`) % partitionCount
}
