// Signing in: by account, or by the one-time link in the address after `#link=`.

import { ApiError } from '../../core/api'
import { refusal } from '../../core/i18n/say'
import type { Enrolment, Session } from '../../core/types'
import { language } from '../../ui/lang.svelte'
import { api, page_of } from '../../ui/session.svelte'

/** What is asked for now. */
export type Step = 'account' | 'code' | 'enrol' | 'recovery' | 'password' | 'nothing'

const PASSWORD_CHARS_MIN = 12

export class Enter {
  step = $state<Step>('account')
  enrolment = $state.raw<Enrolment | null>(null)
  recovery_codes = $state.raw<string[]>([])
  is_busy = $state(false)
  by_link = $state(false)
  error = $state('')
  /** Which field the error is about. */
  bad_fields = $state(false)
  wait_s = $state(0)
  service = $state<'checking' | 'ok' | 'down'>('checking')
  #ticket = ''
  #session: Session | null = null

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

  async second_step(code: string): Promise<void> {
    if (this.#is_missing(code, language.t.login.need_code)) return
    await this.#enter(() => api.second_step(this.#ticket, code.trim()))
  }

  async confirm(code: string): Promise<void> {
    if (this.#is_missing(code, language.t.login.need_code)) return
    await this.#try(async () => {
      this.recovery_codes = (await api.confirm_second_factor(code.trim())).recovery_codes
      this.step = 'recovery'
    })
  }

  async choose_password(password: string): Promise<void> {
    if (this.#is_missing(password.length < PASSWORD_CHARS_MIN ? '' : password, language.t.login.password_hint)) return
    await this.#try(async () => {
      await api.choose_password(password)
      this.#leave()
    })
  }

  /** The recovery codes are kept. */
  go_on(): void {
    if (this.#session?.has_password === false) this.step = 'password'
    else this.#leave()
  }

  later = (): void => this.#leave()

  start_again(): void {
    this.step = 'account'
    this.error = ''
    this.bad_fields = false
  }

  async #enter(how: () => Promise<Session>): Promise<void> {
    await this.#try(async () => {
      const session = await how()
      this.#session = session
      if (session.needs_second_factor !== true) return this.go_on()
      this.enrolment = await api.begin_second_factor()
      this.step = 'enrol'
    })
  }

  async #try(what: () => Promise<void>): Promise<void> {
    this.is_busy = true
    this.error = ''
    this.bad_fields = false
    try {
      await what()
    } catch (error) {
      this.#refused(error)
    }
    this.is_busy = false
  }

  #is_missing(text: string, complaint: string): boolean {
    this.bad_fields = text.trim() === ''
    if (this.bad_fields) this.error = complaint
    return this.bad_fields
  }

  #leave(): void {
    const role = this.#session?.account.role
    const page = next_page() ?? (role === undefined ? null : page_of(role))
    if (page !== null) return location.assign(page)
    this.step = 'nothing'
    this.error = language.t.login.no_page
  }

  #refused(error: unknown): void {
    const code = error instanceof ApiError ? error.code : ''
    if (code === 'code_needed' && error instanceof ApiError) {
      this.#ticket = String(error.data['ticket'])
      this.step = 'code'
      return
    }
    this.bad_fields = (code === 'bad_credentials' && !this.by_link) || code === 'bad_code'
    if (this.by_link && code === 'link_gone') this.error = language.t.login.link_gone
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
  return next !== null && /^\/(console|station|home|resident|admin)(\?|$)/.test(next) ? next : null
}
