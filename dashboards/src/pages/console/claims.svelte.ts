// Claiming: marked as pending at once, decided by the server, a lost race told honestly.

import { SvelteMap } from 'svelte/reactivity'
import { ApiError, new_key } from '../../core/api'
import { refusal, who } from '../../core/i18n/say'
import { is_waiting } from '../../core/queue'
import type { Alarm, Named } from '../../core/types'
import { language } from '../../ui/lang.svelte'
import { api } from '../../ui/session.svelte'
import { toasts } from '../../ui/toasts.svelte'
import { desk } from './desk.svelte'

const AGAIN_MS = 2_000

class Claims {
  /** sending: asked, no answer yet · queued: waits for the server to be reachable */
  readonly pending = new SvelteMap<string, 'sending' | 'queued'>()
  /** The alarm whose claim needs a second yes because we are offline. */
  asked_offline = $state<string | null>(null)

  ask(alarm: Alarm): void {
    if (this.pending.has(alarm.id) || !is_waiting(alarm)) return
    if (desk.feed.link.state === 'offline') {
      this.asked_offline = alarm.id
      desk.window = 'offline_claim'
      return
    }
    void this.#claim(alarm, 'sending')
  }

  confirm_offline(): void {
    const alarm = desk.alarm(this.asked_offline)
    desk.window = null
    this.asked_offline = null
    if (alarm === null) return
    toasts.say(language.t.offline_claim.queued, 'clock')
    void this.#claim(alarm, 'queued')
  }

  async #claim(alarm: Alarm, how: 'sending' | 'queued'): Promise<void> {
    const key = new_key()
    this.pending.set(alarm.id, how)
    desk.select(alarm.id)
    try {
      for (;;) {
        try {
          const answer = await api.claim(alarm.id, key)
          desk.feed.put('alarms', answer.alarm)
          return
        } catch (error) {
          const may_wait = how === 'queued' && error instanceof ApiError && error.is_open
          if (!may_wait) return this.#refused(alarm, error)
          await new Promise((done) => setTimeout(done, AGAIN_MS))
        }
      }
    } finally {
      this.pending.delete(alarm.id)
    }
  }

  #refused(alarm: Alarm, error: unknown): void {
    if (error instanceof ApiError && error.code === 'claimed_by_other') {
      const now = error.data['alarm'] as Alarm | undefined
      if (now !== undefined) desk.feed.put('alarms', now)
      const by = language.name(error.data['by'] as Named | undefined)
      const show = { text: language.t.race.show, run: () => desk.select(alarm.id) }
      return toasts.say(by === '' ? language.t.race.lost_unknown : language.t.race.lost(by), 'user', show)
    }
    toasts.say(`${who(language.t, language.lang, alarm)}: ${refusal(language.t, error)}`, 'warn', {
      text: language.t.retry,
      run: () => this.ask(alarm),
    })
  }
}

export const claims = new Claims()
