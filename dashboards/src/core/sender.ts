// One person's steps, in order, each until the server has decided it. What is not through yet is shown, never hidden.
// Kept in memory only; the queue that survives a closed page comes with the offline page.

import { ApiError, new_key } from './api'

export interface Pending<S> {
  step: S
  key: string
  /** How often it was sent without an answer. */
  tries: number
}

export interface SenderParts<S> {
  send(step: S, key: string): Promise<void>
  refused(step: S, error: ApiError): void
  changed(): void
  wait(ms: number): Promise<void>
}

const PAUSE_MS = [1_000, 2_000, 4_000, 8_000]

export class Sender<S> {
  readonly #queue: Pending<S>[] = []
  readonly #parts: SenderParts<S>
  #running = false

  constructor(parts: SenderParts<S>) {
    this.#parts = parts
  }

  get pending(): readonly Pending<S>[] {
    return this.#queue
  }

  /** Resolves when nothing waits any more. */
  async add(step: S): Promise<void> {
    this.#queue.push({ step, key: new_key(), tries: 0 })
    this.#parts.changed()
    if (this.#running) return
    this.#running = true
    while (this.#queue.length > 0) await this.#first()
    this.#running = false
  }

  async #first(): Promise<void> {
    const pending = this.#queue[0]
    if (pending === undefined) return
    try {
      await this.#parts.send(pending.step, pending.key)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.is_open) return this.#again(pending)
      this.#parts.refused(pending.step, error)
    }
    this.#queue.shift()
    this.#parts.changed()
  }

  async #again(pending: Pending<S>): Promise<void> {
    pending.tries += 1
    this.#parts.changed()
    await this.#parts.wait(PAUSE_MS[Math.min(pending.tries - 1, PAUSE_MS.length - 1)] ?? 8_000)
  }
}
