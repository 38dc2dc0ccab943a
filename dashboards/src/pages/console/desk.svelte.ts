// The operator's desk: what is open, what is selected, which window stands over it. One per page.

import type { Filter } from '../../core/queue'
import { refusal } from '../../core/i18n/say'
import { is_open } from '../../core/queue'
import type { Account, Alarm, Offer, Station } from '../../core/types'
import { LiveFeed } from '../../ui/feed.svelte'
import { language } from '../../ui/lang.svelte'
import { api, signed_in } from '../../ui/session.svelte'
import { toasts } from '../../ui/toasts.svelte'

export type Window = 'close' | 'note' | 'keys' | 'offline_claim' | null
export type Pane = 'queue' | 'map' | 'incident'

const KEYS_KEPT = 'anju.keys'

class Desk {
  readonly feed = new LiveFeed(['alarms', 'offers', 'units'])
  account = $state.raw<Account | null>(null)
  filter = $state<Filter>('all')
  selected = $state<string | null>(new URLSearchParams(location.search).get('alarm'))
  /** The dispatch drawer is open for the selected alarm. */
  is_dispatching = $state(false)
  window = $state<Window>(null)
  /** Which of the panes shows where there is room for one only. */
  pane = $state<Pane>('queue')
  stations = $state.raw<Station[]>([])
  /** When the last alarm that we know of was raised. */
  last_raised_ms = $state<number | null>(null)
  are_keys_on = $state(localStorage.getItem(KEYS_KEPT) !== 'off')

  readonly alarms = $derived(this.feed.tables.alarms)
  readonly open = $derived([...this.alarms.values()].filter(is_open))
  readonly me = $derived(this.account?.id ?? '')

  async start(): Promise<void> {
    this.account = await signed_in.load('operator')
    if (this.account === null) return
    this.feed.start()
    if (this.selected !== null) this.pane = 'incident'
    window.addEventListener('popstate', () => {
      this.selected = new URLSearchParams(location.search).get('alarm')
    })
    void this.#look_around()
  }

  alarm(id: string | null): Alarm | null {
    return id === null ? null : (this.alarms.get(id) ?? null)
  }

  select(id: string | null): void {
    if (id !== this.selected) this.is_dispatching = false
    this.selected = id
    this.pane = id === null ? 'queue' : 'incident'
    const url = new URL(location.href)
    if (id === null) url.searchParams.delete('alarm')
    else url.searchParams.set('alarm', id)
    history.replaceState(null, '', url)
  }

  dispatch(id: string): void {
    this.select(id)
    this.is_dispatching = true
  }

  /** The offer that is being acted on, else the latest one. */
  offer_of(alarm: Alarm): Omit<Offer, 'alarm'> | null {
    const told = [...this.feed.tables.offers.values()].filter((offer) => offer.alarm_id === alarm.id)
    const all = alarm.offer === null ? told : [...told, alarm.offer]
    return all.sort((a, b) => b.attempt - a.attempt || b.rev - a.rev)[0] ?? null
  }

  set_keys(on: boolean): void {
    this.are_keys_on = on
    localStorage.setItem(KEYS_KEPT, on ? 'on' : 'off')
  }

  async show_last(): Promise<void> {
    try {
      const last = newest((await api.alarms('all')).alarms)
      if (last !== null) this.select(last.id)
    } catch (error) {
      toasts.say(refusal(language.t, error), 'warn')
    }
  }

  async #look_around(): Promise<void> {
    const [stations, alarms] = await Promise.allSettled([api.stations(), api.alarms('all')])
    if (stations.status === 'fulfilled') this.stations = stations.value.stations
    if (alarms.status === 'fulfilled') this.last_raised_ms = newest(alarms.value.alarms)?.raised_at_ms ?? null
  }
}

function newest(alarms: readonly Alarm[]): Alarm | null {
  return alarms.reduce<Alarm | null>((a, b) => (a === null || b.raised_at_ms > a.raised_at_ms ? b : a), null)
}

export const desk = new Desk()
