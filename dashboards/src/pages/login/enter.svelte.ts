// Signing in: by account, or by the one-time link in the address after `#link=`.

import { ApiError } from '../../core/api'
import { refusal } from '../../core/i18n/say'
import type { Session } from '../../core/types'
import { language } from '../../ui/lang.svelte'
import { api, page_of } from '../../ui/session.svelte'

export class Enter {
  is_busy = $state(false)
  by_link = $state(false)
  error = $state('')
  /** Which field the error is about. */
  bad_fields = $state(false)
  wait_s = $state(0)
  service = $state<'checking' | 'ok' | 'down'>('checking')

  async start(): Promise<void> {
    void this.#look_at_service()
    const token = new URLSearchParams(location.hash.slice(1)).get('link')
    if (token === null) return
    history.replaceState(null, '', location.pathname + location.search) // the token leaves the address at once
    this.by_link = true
    await this.#enter(() => api.sign_in_by_link(token))
    this.by_link = false
  }

  async sign_in(login: string, password: string): Promise<void> {
    this.bad_fields = login.trim() === '' || password === ''
    if (this.bad_fields) {
      this.error = language.t.login.need_both
      return
    }
    await this.#enter(() => api.sign_in(login.trim(), password))
  }

  async #enter(how: () => Promise<Session>): Promise<void> {
    this.is_busy = true
    this.error = ''
    try {
      const session = await how()
      const page = next_page() ?? page_of(session.account.role)
      if (page !== null) return location.assign(page)
      this.error = language.t.login.no_page
    } catch (error) {
      this.#refused(error)
    }
    this.is_busy = false
  }

  #refused(error: unknown): void {
    const code = error instanceof ApiError ? error.code : ''
    this.bad_fields = code === 'bad_credentials' && !this.by_link
    if (this.by_link && code !== 'unreachable' && code !== 'slow_down') this.error = language.t.login.link_gone
    else this.error = refusal(language.t, error)
    if (code === 'slow_down' && error instanceof ApiError) this.#wait(Number(error.data['retry_after_s'] ?? 30))
  }

  #wait(seconds: number): void {
    this.wait_s = seconds
    const timer = setInterval(() => {
      this.wait_s -= 1
      if (this.wait_s > 0) return
      clearInterval(timer)
      this.error = ''
    }, 1000)
  }

  async #look_at_service(): Promise<void> {
    try {
      const answer = await fetch('/health/ready', { cache: 'no-store', signal: AbortSignal.timeout(5000) })
      this.service = answer.ok ? 'ok' : 'down'
    } catch {
      this.service = 'down'
    }
  }
}

/** Where the visitor wanted to go: only our own pages. */
function next_page(): string | null {
  const next = new URLSearchParams(location.search).get('next')
  return next !== null && /^\/(console|station|home)(\?|$)/.test(next) ? next : null
}
