// The responder's job: current offer, steps on their way to the server, sound. One per page.

import { REPEAT_MS, Speaker } from '../../core/audio'
import { refusal } from '../../core/i18n/say'
import { current, screen_of, type JobStep } from '../../core/job'
import { Sender, type Pending } from '../../core/sender'
import type { Account, DeclineReason, Offer, Report, Station } from '../../core/types'
import { ticker } from '../../ui/clock.svelte'
import { LiveFeed } from '../../ui/feed.svelte'
import { language } from '../../ui/lang.svelte'
import { api, signed_in } from '../../ui/session.svelte'
import { toasts } from '../../ui/toasts.svelte'

const VIBRATE = [500, 200, 500]

class Job {
  readonly feed = new LiveFeed(['offers', 'units'])
  account = $state.raw<Account | null>(null)
  stations = $state.raw<Station[]>([])
  pending = $state.raw<Pending<JobStep>[]>([])
  /** The job that was just reported, until the person goes on. */
  done = $state.raw<Offer | null>(null)
  is_audible = $state(false)
  is_starting = $state(false)
  readonly #speaker = new Speaker()
  readonly #sender: Sender<JobStep>
  #rang: { id: string; at_ms: number } = { id: '', at_ms: 0 }
  #looked_at: Offer | null = null
  #duty = $state(false)

  readonly me = $derived({
    responder_id: this.account?.responder_id ?? null,
    station_id: this.account?.station_id ?? null,
  })
  readonly steps = $derived(this.pending.map((one) => one.step))
  readonly offer = $derived(current(this.feed.tables.offers.values(), this.me, this.steps, ticker.now))
  readonly screen = $derived(screen_of(this.offer))
  readonly unit = $derived(this.feed.tables.units.get(this.me.responder_id ?? '') ?? null)
  readonly is_on_duty = $derived(this.unit?.on_duty ?? this.#duty)
  /** The most attempts that any waiting step has had. */
  readonly tries = $derived(Math.max(0, ...this.pending.map((one) => one.tries)))

  constructor() {
    this.#sender = new Sender<JobStep>({
      send: (step, key) => this.#send(step, key),
      refused: (_step, error) => toasts.say(refusal(language.t, error), 'warn'),
      changed: () => (this.pending = this.#sender.pending.map((one) => ({ ...one }))),
      wait: (ms) => new Promise((done) => setTimeout(done, ms)),
    })
  }

  async start(): Promise<void> {
    this.account = await signed_in.load('responder')
    if (this.account === null) return
    this.feed.start()
    try {
      this.stations = (await api.stations()).stations
    } catch {
      // only the name of the station and the drawing miss something
    }
  }

  /** From a gesture only: sound, and duty where it has not begun. */
  async begin(): Promise<void> {
    this.is_starting = true
    this.is_audible = await this.#speaker.unlock()
    this.feed.audio_ok = this.is_audible
    if (!this.is_on_duty) {
      try {
        this.#duty = (await api.start_duty()).on_duty
      } catch (error) {
        toasts.say(refusal(language.t, error), 'warn')
      }
    }
    this.is_starting = false
  }

  async end(): Promise<void> {
    try {
      this.#duty = (await api.end_duty()).on_duty
    } catch (error) {
      toasts.say(refusal(language.t, error), 'warn')
    }
  }

  accept = (offer: Offer) => this.#take(offer, 'accept', {})
  decline = (offer: Offer, reason: DeclineReason) => this.#take(offer, 'decline', { reason })
  depart = (offer: Offer) => this.#take(offer, 'depart', {})
  arrive = (offer: Offer) => this.#take(offer, 'arrive', {})
  report(offer: Offer, report: Report): void {
    this.done = offer
    this.#take(offer, 'report', report)
  }

  is_pending(offer: Offer, step: JobStep['step']): boolean {
    return this.steps.some((one) => one.offer_id === offer.id && one.step === step)
  }

  /** Rings at a new offer and every 10 s while it is open; says why an offer left the screen. */
  tick(offer: Offer | null, now: number): void {
    this.#explain(offer)
    if (offer === null || offer.state !== 'offered') return
    if (this.#rang.id === offer.id && now - this.#rang.at_ms < REPEAT_MS) return
    this.#rang = { id: offer.id, at_ms: now }
    this.#speaker.play('critical')
    navigator.vibrate?.(VIBRATE)
  }

  #explain(offer: Offer | null): void {
    const before = this.#looked_at
    this.#looked_at = offer
    if (before === null || before.id === offer?.id || before.state !== 'offered') return
    const now = this.feed.tables.offers.get(before.id)
    const t = language.t.station
    if (now?.state === 'accepted' && now.responder !== null) toasts.say(t.someone_else(language.name(now.responder)), 'user')
    else if (now?.state === 'withdrawn') toasts.say(t.withdrawn, 'info')
    else if (now === undefined || now.state === 'expired' || now.state === 'offered') toasts.say(t.expired, 'clock')
  }

  #take(offer: Offer, step: JobStep['step'], body: object): void {
    void this.#sender.add({ offer_id: offer.id, step, body })
  }

  async #send(step: JobStep, key: string): Promise<void> {
    const { offer } = await api.offer_step(step.offer_id, step.step, step.body, key)
    this.feed.put('offers', offer)
  }
}

export const job = new Job()
