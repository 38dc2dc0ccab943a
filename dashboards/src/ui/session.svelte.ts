// Who is signed in on this page, and the way to the sign-in page.

import { Api, ApiError } from '../core/api'
import type { Account, Role, Session, Shift } from '../core/types'
import { ticker } from './clock.svelte'
import { language } from './lang.svelte'

export const api = new Api()

const PAGE_OF: Partial<Record<Role, string>> = {
  operator: '/console',
  responder: '/station',
  supervisor: '/admin',
  administrator: '/admin',
  auditor: '/admin',
}

export function page_of(role: Role): string | null {
  return PAGE_OF[role] ?? null
}

export function leave_for_login(): void {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`)
}

class SignedIn {
  account = $state.raw<Account | null>(null)
  shift = $state.raw<Shift | null>(null)
  /** The server did not answer when the page asked who is here. */
  is_unreachable = $state(false)

  /** Asks until there is an answer. Leaves the page when nobody is signed in or the role has another page. */
  async load(...roles: Role[]): Promise<Account | null> {
    for (;;) {
      try {
        const session = await api.session()
        return this.#keep(session, roles)
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) {
          leave_for_login()
          return null
        }
        this.is_unreachable = true
        await new Promise((done) => setTimeout(done, 2_000))
      }
    }
  }

  async leave(): Promise<void> {
    try {
      await api.sign_out()
    } finally {
      location.assign('/login')
    }
  }

  #keep(session: Session, roles: readonly Role[]): Account | null {
    ticker.server.hear(session.server_time_ms)
    ticker.tick()
    language.suggest(session.account.lang)
    this.is_unreachable = false
    if (session.needs_second_factor === true) {
      leave_for_login() // there it is set up; nothing works before
      return null
    }
    if (!roles.includes(session.account.role)) {
      location.assign(page_of(session.account.role) ?? '/login')
      return null
    }
    this.shift = session.shift ?? null
    this.account = session.account
    return session.account
  }
}

export const signed_in = new SignedIn()
