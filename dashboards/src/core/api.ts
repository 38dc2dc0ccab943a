// Requests to the server: session cookie, csrf header, one idempotency key a command. Errors carry codes, never text.

import type {
  Alarm,
  AlarmDetail,
  Candidate,
  DeclineReason,
  HomeShown,
  Enrolment,
  Offer,
  Readings,
  Report,
  Session,
  Shift,
  SimHome,
  SimState,
  Station,
} from './types'

/** `status` 0: the server was not reached, so nobody knows whether the command arrived. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly data: Record<string, unknown>

  constructor(status: number, code: string, data: Record<string, unknown> = {}) {
    super(code)
    this.status = status
    this.code = code
    this.data = data
  }

  /** Nothing was decided: the same command may be sent again under its key. */
  get is_open(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504
  }
}

export interface ApiParts {
  fetch: typeof fetch
  wait(ms: number): Promise<void>
  timeout_ms: number
}

const BROWSER: ApiParts = {
  fetch: (...args) => fetch(...args),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  timeout_ms: 8_000,
}

/** Sent at once, then again after these pauses while nobody knows whether it arrived. */
const AGAIN_AFTER_MS = [400, 1200, 2500]

export class Api {
  csrf = ''
  readonly #parts: ApiParts

  constructor(parts: ApiParts = BROWSER) {
    this.#parts = parts
  }

  // Session and duty
  sign_in = (login: string, password: string) => this.#enter('/api/session', { login, password })
  sign_in_by_link = (token: string) => this.#enter('/api/session/link', { token })
  second_step = (ticket: string, code: string) => this.#enter('/api/session/second', { ticket, code })
  begin_second_factor = () => this.#send<Enrolment>('POST', '/api/session/second-factor', {})
  confirm_second_factor = (code: string) =>
    this.#send<{ recovery_codes: string[] }>('POST', '/api/session/second-factor/confirm', { code })
  choose_password = (password: string) => this.#send<void>('PUT', '/api/session/password', { new: password })
  sign_out = () => this.#send<void>('DELETE', '/api/session', undefined, new_key())

  async session(): Promise<Session> {
    return this.#keep(await this.#send<Session>('GET', '/api/session'))
  }

  start_shift = (audio_ok: boolean) => this.command<{ shift: Shift }>('POST', '/api/shift', { audio_ok })
  end_shift = () => this.command<void>('DELETE', '/api/shift')

  start_duty = () => this.command<{ on_duty: boolean }>('POST', '/api/duty', {})
  end_duty = () => this.command<{ on_duty: boolean }>('DELETE', '/api/duty')

  // Alarms
  alarms = (state: 'open' | 'all') => this.#send<{ alarms: Alarm[] }>('GET', `/api/alarms?state=${state}`)
  alarm = (id: string) => this.#send<AlarmDetail>('GET', `/api/alarms/${id}`)
  candidates = (id: string) => this.#send<{ candidates: Candidate[] }>('GET', `/api/alarms/${id}/candidates`)
  stations = () => this.#send<{ stations: Station[] }>('GET', '/api/stations')
  claim = (id: string, key?: string) => this.command<{ alarm: Alarm }>('POST', `/api/alarms/${id}/claim`, {}, key)
  release = (id: string) => this.command<{ alarm: Alarm }>('POST', `/api/alarms/${id}/release`, {})
  note = (id: string, text: string) => this.command<{ alarm: Alarm }>('POST', `/api/alarms/${id}/note`, { text })
  reveal = (id: string) => this.command<{ door_code: string | null }>('POST', `/api/alarms/${id}/reveal`, {})
  close = (id: string, closing: Closing) =>
    this.command<{ alarm: Alarm }>('POST', `/api/alarms/${id}/close`, closing)
  dispatch = (id: string, station_id: string) =>
    this.command<{ offer: Offer }>('POST', `/api/alarms/${id}/dispatch`, { station_id })

  // A home over time
  home = (id: string) => this.#send<HomeShown>('GET', `/api/homes/${encodeURIComponent(id)}/view`)
  readings = (id: string, measurement: string, span: { from: number; to: number; buckets: number }) =>
    this.#send<Readings>(
      'GET',
      `/api/homes/${encodeURIComponent(id)}/readings?measurement=${measurement}` +
        `&from=${span.from}&to=${span.to}&buckets=${span.buckets}`,
    )

  // Offers
  offers = () => this.#send<{ offers: Offer[] }>('GET', '/api/offers?state=open')
  offer_step = (id: string, step: OfferStep, body: object, key: string) =>
    this.command<{ offer: Offer }>('POST', `/api/offers/${id}/${step}`, body, key)

  // Virtual home (demo only)
  sim_homes = () => this.#send<{ homes: SimHome[] }>('GET', '/sim/api/homes')
  sim_home = (id: string) => this.#send<SimState>('GET', `/sim/api/homes/${id}`)
  sim_press = (id: string, device: string) =>
    this.command<{ at_ms: number }>('POST', `/sim/api/homes/${id}/press`, { device })
  sim_fine = (id: string) => this.command<unknown>('POST', `/sim/api/homes/${id}/fine`, {})
  sim_reset = (id: string) => this.command<unknown>('POST', `/sim/api/homes/${id}/reset`, {})

  get = <T>(path: string) => this.#send<T>('GET', path)

  /** One command under one key: the server does it once, however often it is sent. */
  async command<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object, key = new_key()): Promise<T> {
    for (const pause of AGAIN_AFTER_MS) {
      try {
        return await this.#send<T>(method, path, body, key)
      } catch (error) {
        if (!(error instanceof ApiError) || !error.is_open) throw error
        await this.#parts.wait(pause)
      }
    }
    return this.#send<T>(method, path, body, key)
  }

  async #enter(path: string, body: object): Promise<Session> {
    return this.#keep(await this.#send<Session>('POST', path, body))
  }

  #keep(session: Session): Session {
    this.csrf = session.csrf
    return session
  }

  async #send<T>(method: string, path: string, body?: object, key?: string): Promise<T> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (method !== 'GET' && this.csrf !== '') headers['x-csrf'] = this.csrf
    if (key !== undefined) headers['idempotency-key'] = key
    const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' }
    if (body !== undefined) init.body = JSON.stringify(body)
    init.signal = AbortSignal.timeout(this.#parts.timeout_ms)
    let answer: Response
    try {
      answer = await this.#parts.fetch(path, init)
    } catch {
      throw new ApiError(0, 'unreachable')
    }
    if (!answer.ok) throw await refusal(answer)
    return (answer.status === 204 ? undefined : await answer.json()) as T
  }
}

export type OfferStep = 'accept' | 'decline' | 'depart' | 'arrive' | 'report'
export type OfferBody = Record<string, never> | { reason: DeclineReason } | Report | { lat: number; lon: number }

export interface Closing {
  outcome: string
  sub_reason?: string
  note?: string
  follow_up?: string
}

async function refusal(answer: Response): Promise<ApiError> {
  try {
    const { error } = (await answer.json()) as { error: { code: string; data?: Record<string, unknown> } }
    return new ApiError(answer.status, error.code, error.data ?? {})
  } catch {
    return new ApiError(answer.status, answer.status >= 500 ? 'server_error' : 'refused')
  }
}

/** A random key. `randomUUID` exists only on secure origins; a station's tablet may be on plain http. */
export function new_key(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
