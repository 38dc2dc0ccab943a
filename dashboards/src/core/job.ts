// What a responder's phone shows: which offer is theirs to answer or to work on, and which steps are still on their way.

import type { OfferStep } from './api'
import type { Offer, OfferState } from './types'

export type Screen = 'waiting' | 'take' | 'way' | 'report'

export interface Me {
  responder_id: string | null
  station_id: string | null
}

/** A step that the person has taken; `body` as the server wants it. */
export interface JobStep {
  offer_id: string
  step: OfferStep
  body: object
}

const AFTER: Partial<Record<OfferStep, OfferState>> = { depart: 'departed', arrive: 'arrived', report: 'reported' }
const WORKING: readonly OfferState[] = ['accepted', 'departed', 'arrived']

/** The offer as the person sees it: their own steps count at once, but acceptance only when the server says so. */
export function seen(offer: Offer, pending: readonly JobStep[]): Offer {
  let state = offer.state
  for (const one of pending) if (one.offer_id === offer.id) state = AFTER[one.step] ?? state
  return state === offer.state ? offer : { ...offer, state }
}

/** The job in hand first, else the offer that runs out first. */
export function current(offers: Iterable<Offer>, me: Me, pending: readonly JobStep[], now: number): Offer | null {
  const all = [...offers].map((offer) => seen(offer, pending))
  const working = all.filter((offer) => offer.responder?.id === me.responder_id && WORKING.includes(offer.state))
  const open = all.filter((offer) => is_for(offer, me) && offer.state === 'offered' && offer.expires_at_ms > now)
  const first = (list: Offer[]) => list.sort((a, b) => a.expires_at_ms - b.expires_at_ms)[0] ?? null
  return first(working) ?? first(open)
}

function is_for(offer: Offer, me: Me): boolean {
  if (offer.responder !== null) return offer.responder.id === me.responder_id
  return offer.station.id === me.station_id
}

export function screen_of(offer: Offer | null): Screen {
  if (offer === null || offer.state === 'reported') return 'waiting'
  if (offer.state === 'offered') return 'take'
  return offer.state === 'arrived' ? 'report' : 'way'
}

/** A link to the platform's map; it takes WGS-84 and converts by itself. No name of a person in it. */
export function map_link(place: { lat: number; lon: number }, title: string): string {
  const query = new URLSearchParams({
    position: `${place.lon.toFixed(6)},${place.lat.toFixed(6)}`,
    name: title,
    coordinate: 'wgs84',
    callnative: '1',
  })
  return `https://uri.amap.com/marker?${query}`
}
