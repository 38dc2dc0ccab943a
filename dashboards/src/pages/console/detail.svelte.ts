// Everything about the selected alarm, read anew whenever its revision moves.

import { SvelteMap } from 'svelte/reactivity'
import { ApiError } from '../../core/api'
import { refusal } from '../../core/i18n/say'
import type { AlarmDetail, Candidate } from '../../core/types'
import { language } from '../../ui/lang.svelte'
import { api } from '../../ui/session.svelte'
import { toasts } from '../../ui/toasts.svelte'
import { desk } from './desk.svelte'

const AGAIN_MS = 3_000

class Detail {
  data = $state.raw<AlarmDetail | null>(null)
  error = $state<string | null>(null)
  candidates = $state.raw<Candidate[] | null>(null)
  candidates_error = $state<string | null>(null)
  /** Door codes that were looked at, by alarm. The server logs each look. */
  readonly codes = new SvelteMap<string, string | null>()
  /** Items of the call plan that are done, by alarm. Kept on this page only. */
  readonly done = new SvelteMap<string, ReadonlySet<number>>()
  #wanted: string | null = null
  #again: ReturnType<typeof setTimeout> | undefined

  async load(id: string): Promise<void> {
    if (this.#wanted !== id) this.#forget(id)
    try {
      const data = await api.alarm(id)
      if (this.#wanted !== id) return
      this.data = data
      this.error = null
      if (!desk.alarms.has(id) || data.alarm.rev > (desk.alarms.get(id)?.rev ?? 0)) this.#keep_open(data)
    } catch (error) {
      if (this.#wanted !== id) return
      this.error = refusal(language.t, error)
      const is_gone = error instanceof ApiError && error.status === 404
      if (!is_gone) this.#again = setTimeout(() => void this.load(id), AGAIN_MS)
    }
  }

  async load_candidates(id: string): Promise<void> {
    this.candidates_error = null
    try {
      const { candidates } = await api.candidates(id)
      if (this.#wanted === id) this.candidates = candidates
    } catch (error) {
      if (this.#wanted === id) this.candidates_error = refusal(language.t, error)
    }
  }

  async reveal(id: string): Promise<void> {
    try {
      this.codes.set(id, (await api.reveal(id)).door_code)
    } catch (error) {
      toasts.say(refusal(language.t, error), 'warn')
    }
  }

  tick(id: string, item: number): void {
    const done = new Set(this.done.get(id))
    if (!done.delete(item)) done.add(item)
    this.done.set(id, done)
  }

  #forget(id: string): void {
    clearTimeout(this.#again)
    this.#wanted = id
    this.data = null
    this.error = null
    this.candidates = null
    this.candidates_error = null
  }

  #keep_open(data: AlarmDetail): void {
    if (data.alarm.handling !== 'closed') desk.feed.put('alarms', data.alarm)
  }
}

export const detail = new Detail()
