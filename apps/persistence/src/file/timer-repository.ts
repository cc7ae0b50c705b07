// The read model of a machine without MongoDB: in memory, saved whole to one file each second that it changed.
// Exactly one node. When it cannot save it serves on, says so, and saves all of it once it can again.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '@timers/shared/clock.ts'
import type { Logger } from '@timers/shared/logger.ts'
import type {
  AuditEvent,
  FeedQuery,
  ListQuery,
  TimerEventsQuery,
  TimerStats,
} from '@timers/shared/timer/queries.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import type {
  ProjectedBatch,
  Rebuild,
  RepositoryHealth,
  SeenEnd,
  Slice,
  StoredPosition,
  TimerRepository,
} from '../projection/repository.ts'
import { Documents } from './documents.ts'
import type { Bounds } from './documents.ts'
import { addLines, toLines } from './lines.ts'
import { readNewest, writeSafely } from './safe-file.ts'

export interface FileRepositoryOptions {
  readonly directory: string
  readonly bounds?: Partial<Bounds>
}

interface Deps {
  readonly clock: Clock
  readonly logger: Logger
  readonly onSaveFailure: () => void
}

const dayMs = 86_400_000
const usualBounds: Bounds = { events: 20_000, poison: 100, eventAgeMs: 90 * dayMs, deletedAgeMs: 30 * dayMs }
const saveEveryMs = 1000
/** Saving may take this part of the time: a big file is saved less often. */
const savingShare = 0.1
const backupEveryMs = 10 * 60_000

export class FileTimerRepository implements TimerRepository {
  readonly #path: string
  readonly #bounds: Bounds
  readonly #deps: Deps
  #documents: Documents
  #saved: readonly StoredPosition[] = []
  #dirty = false
  #saving: Promise<void> = Promise.resolve()
  #cancelSave: () => void = () => undefined
  #backupDueAtMs = 0
  #problem: string | undefined

  private constructor(options: FileRepositoryOptions, deps: Deps) {
    this.#path = join(options.directory, 'read-model.jsonl')
    this.#bounds = { ...usualBounds, ...options.bounds }
    this.#deps = deps
    this.#documents = new Documents(this.#bounds)
  }

  /** With what the newest whole file has; empty when there is none. */
  static async open(options: FileRepositoryOptions, deps: Deps): Promise<FileTimerRepository> {
    const repository = new FileTimerRepository(options, deps)
    await repository.#restore()
    repository.#saveLater(saveEveryMs)
    return repository
  }

  health(): RepositoryHealth {
    return { ready: true, reasons: this.#problem === undefined ? [] : [this.#problem] }
  }

  positions(): Promise<readonly StoredPosition[]> {
    return Promise.resolve([...this.#documents.positions.values()])
  }

  position(partition: number): Promise<StoredPosition | undefined> {
    return Promise.resolve(this.#documents.positions.get(partition))
  }

  durablePositions(): Promise<readonly StoredPosition[]> {
    return Promise.resolve(this.#saved)
  }

  rebuild(rebuild: Rebuild): Promise<void> {
    if (this.#documents.positions.get(rebuild.partition)?.build === rebuild.replaces) {
      this.#documents.rebuild(rebuild, randomBytes(6).toString('hex'))
      this.#dirty = true
    }
    return Promise.resolve()
  }

  apply(batch: ProjectedBatch): Promise<boolean> {
    this.#dirty = true
    return Promise.resolve(this.#documents.apply(batch))
  }

  sawEnds(ends: readonly SeenEnd[]): Promise<void> {
    // Not worth a save of its own: after a restart it is seen again.
    this.#documents.sawEnds(ends)
    return Promise.resolve()
  }

  list(query: ListQuery): Promise<Slice<Timer>> {
    return Promise.resolve(this.#documents.list(query))
  }

  timerEvents(_partition: number, query: TimerEventsQuery): Promise<Slice<AuditEvent>> {
    return Promise.resolve(this.#documents.timerEvents(query))
  }

  feed(query: FeedQuery): Promise<Slice<AuditEvent>> {
    return Promise.resolve(this.#documents.feed(query))
  }

  stats(tenantId: string): Promise<TimerStats['byState']> {
    return Promise.resolve(this.#documents.stats(tenantId))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelSave()
    await this.#saving
    this.#cancelSave()
    if (this.#dirty) await this.#save()
  }

  async #restore(): Promise<void> {
    const found = await readNewest(
      this.#path,
      (lines) => {
        const documents = new Documents(this.#bounds)
        addLines(documents, lines)
        this.#documents = documents
      },
      (path, error) => {
        this.#deps.logger.warn({ path, error }, 'a saved read model that cannot be used')
      },
    )
    this.#saved = [...this.#documents.positions.values()]
    const { timers, events } = this.#documents
    this.#deps.logger.info({ found, timers: timers.size, events: events.length }, 'read model restored')
  }

  #saveLater(delayMs: number): void {
    this.#cancelSave = this.#deps.clock.after(delayMs, () => {
      const startedAtMs = this.#deps.clock.monotonicMs()
      this.#saving = (this.#dirty ? this.#save() : Promise.resolve()).then(() => {
        const tookMs = this.#deps.clock.monotonicMs() - startedAtMs
        this.#saveLater(Math.max(saveEveryMs, tookMs / savingShare))
      })
    })
  }

  /** Never throws. */
  async #save(): Promise<void> {
    const { clock, logger, onSaveFailure } = this.#deps
    this.#documents.expire(clock.nowMs())
    // Changes from here on may or may not get into this file; they are saved again.
    this.#dirty = false
    const positions = [...this.#documents.positions.values()]
    const backup = clock.monotonicMs() >= this.#backupDueAtMs
    try {
      await writeSafely(this.#path, toLines(this.#documents, clock.nowMs()), backup)
      this.#saved = positions
      if (backup) this.#backupDueAtMs = clock.monotonicMs() + backupEveryMs
      if (this.#problem !== undefined) logger.info({ path: this.#path }, 'the read model is saved again')
      this.#problem = undefined
    } catch (error) {
      this.#dirty = true
      onSaveFailure()
      if (this.#problem === undefined)
        logger.error({ error, path: this.#path }, 'the read model cannot be saved')
      this.#problem = `serves from memory: cannot save ${this.#path}: ${reasonOf(error)}`
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error ? String(error.code) : error.message
  return String(error)
}
