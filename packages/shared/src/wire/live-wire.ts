// Heartbeats, ticks, watch lists and messages to viewers: domain ↔ bytes. Decoding lets nothing but a
// WireError out, whatever the bytes.

import {
  Heartbeat as PbHeartbeat,
  TickBatch as PbTickBatch,
  ViewerMessage as PbViewerMessage,
  WatchList as PbWatchList,
} from '@timers/proto/timers/core/v1/live.ts'
import { roles, type NodeState } from '../cluster/directory.ts'
import type { Tick, ViewerMessage, WatchList } from '../cluster/live.ts'
import { decode, filled, known, natural, positive, uint32 } from './wire-error.ts'

export function encodeHeartbeat(state: NodeState): Uint8Array {
  return PbHeartbeat.encode({
    name: filled(state.name, 'heartbeat.name'),
    incarnation: filled(state.incarnation, 'heartbeat.incarnation'),
    role: state.role,
    address: state.address,
    dataId: state.dataId,
    owned: state.owned.map(({ partition, sequence, term }) => ({
      partition: uint32(partition, 'heartbeat.owned.partition'),
      sequence: natural(sequence, 'heartbeat.owned.sequence'),
      term,
    })),
    leaving: state.leaving,
    heldDown: [...(state.heldDown ?? [])],
    quarantined: (state.quarantined ?? []).map(({ partition, tries }) => ({
      partition: uint32(partition, 'heartbeat.quarantined.partition'),
      tries: uint32(tries, 'heartbeat.quarantined.tries'),
    })),
  }).finish()
}

export function decodeHeartbeat(bytes: Uint8Array): NodeState {
  const pb = decode(PbHeartbeat, bytes, 'heartbeat')
  const { name, incarnation, role, address, dataId, owned, leaving, heldDown, quarantined } = pb
  return {
    name: filled(name, 'heartbeat.name'),
    incarnation: filled(incarnation, 'heartbeat.incarnation'),
    role: known(
      roles.find((one) => one === role),
      'heartbeat.role',
      role,
    ),
    address,
    dataId,
    owned: owned.map(({ partition, sequence, term }) => ({
      partition,
      sequence: natural(sequence, 'heartbeat.owned.sequence'),
      term,
    })),
    leaving,
    ...(heldDown.length === 0 ? {} : { heldDown }),
    ...(quarantined.length === 0
      ? {}
      : { quarantined: quarantined.map(({ partition, tries }) => ({ partition, tries })) }),
  }
}

export function encodeTicks(ticks: readonly Tick[]): Uint8Array {
  return PbTickBatch.encode({
    ticks: ticks.map(({ tenantId, timerId, version, remainingMs }) => ({
      tenantId,
      timerId,
      version: positive(version, 'tick.version'),
      remainingMs: natural(remainingMs, 'tick.remainingMs'),
    })),
  }).finish()
}

export function decodeTicks(bytes: Uint8Array): Tick[] {
  return decode(PbTickBatch, bytes, 'ticks').ticks.map(({ tenantId, timerId, version, remainingMs }) => ({
    tenantId: filled(tenantId, 'tick.tenantId'),
    timerId: filled(timerId, 'tick.timerId'),
    version: positive(version, 'tick.version'),
    remainingMs: natural(remainingMs, 'tick.remainingMs'),
  }))
}

export function encodeWatchList(list: WatchList): Uint8Array {
  return PbWatchList.encode({
    gateway: filled(list.gateway, 'watchList.gateway'),
    watched: list.watched.map(({ tenantId, timerId, viewers }) => ({
      tenantId,
      timerId,
      viewers: uint32(viewers, 'watchList.viewers'),
    })),
  }).finish()
}

export function decodeWatchList(bytes: Uint8Array): WatchList {
  const { gateway, watched } = decode(PbWatchList, bytes, 'watchList')
  return {
    gateway: filled(gateway, 'watchList.gateway'),
    watched: watched.map(({ tenantId, timerId, viewers }) => ({
      tenantId: filled(tenantId, 'watchList.tenantId'),
      timerId: filled(timerId, 'watchList.timerId'),
      viewers,
    })),
  }
}

export function encodeViewerMessage(message: ViewerMessage): Uint8Array {
  const { tenantId, timerId = '', kind, data } = message
  return PbViewerMessage.encode({
    tenantId: filled(tenantId, 'message.tenantId'),
    timerId,
    kind,
    data,
  }).finish()
}

export function decodeViewerMessage(bytes: Uint8Array): ViewerMessage {
  const { tenantId, timerId, kind, data } = decode(PbViewerMessage, bytes, 'message')
  return {
    tenantId: filled(tenantId, 'message.tenantId'),
    ...(timerId === '' ? {} : { timerId }),
    kind,
    data,
  }
}
