import assert from 'node:assert/strict'
import test from 'node:test'
import { eventJsonText, type EventJson } from './event-json.ts'
import { timerJsonText, timerToJson } from './timer-json.ts'
import type { Timer } from './timer.ts'

const base = {
  tenantId: 'default',
  timerId: 'a',
  version: 7,
  title: 'Tea "black"',
  durationMs: 60_000,
  labels: JSON.parse('{"__proto__":"x","b":"y"}') as Record<string, string>,
  metadata: '{"__proto__":{"a":[1,null]}}',
  retentionMs: 1000,
  createdAtMs: 1_900_000_000_000,
  updatedAtMs: 1_900_000_000_001,
}
const stopped = { deadlineMs: null, completedAtMs: null, completedBy: null }
const timers: Timer[] = [
  { ...base, ...stopped, state: 'idle', remainingMs: 60_000 },
  { ...base, ...stopped, state: 'paused', remainingMs: 1, metadata: '' },
  { ...base, ...stopped, state: 'running', remainingMs: null, deadlineMs: 1_900_000_060_000 },
  {
    ...base,
    state: 'completed',
    remainingMs: 0,
    deadlineMs: 1_900_000_060_000,
    completedAtMs: 1_900_000_060_003,
    completedBy: 'fire',
  },
]

test('a timer is shown with the names, the order and the instants of the contract, and no others', () => {
  assert.equal(
    timerJsonText(timers[3] as Timer),
    '{"id":"a","version":7,"state":"completed","title":"Tea \\"black\\"","durationMs":60000,"remainingMs":0,"deadline":"2030-03-17T17:47:40.000Z",' +
      '"labels":{"__proto__":"x","b":"y"},"metadata":{"__proto__":{"a":[1,null]}},"retentionMs":1000,' +
      '"createdAt":"2030-03-17T17:46:40.000Z","updatedAt":"2030-03-17T17:46:40.001Z","completedAt":"2030-03-17T17:47:40.003Z","completedBy":"fire"}',
  )
  assert.equal(timerToJson(timers[2] as Timer).remainingMs, null)
  assert.equal(timerToJson(timers[1] as Timer).deadline, null)
})

test('the text and the object say the same', () => {
  for (const timer of timers) {
    assert.equal(timerJsonText(timer), JSON.stringify(timerToJson(timer)))
    const event = {
      id: 'evt_1_2_0',
      type: 'completed',
      timer,
      occurredAtMs: 1_900_000_060_003,
      cause: { actor: { type: 'clock', id: '' }, requestId: '' },
    } as const
    const shown = JSON.parse(eventJsonText(event)) as EventJson
    assert.deepEqual(shown, {
      id: 'evt_1_2_0',
      type: 'timer.completed',
      timerId: 'a',
      version: 7,
      occurredAt: '2030-03-17T17:47:40.003Z',
      actor: { type: 'clock', id: '' },
      requestId: '',
      timer: JSON.parse(timerJsonText(timer)) as unknown,
    })
  }
})
