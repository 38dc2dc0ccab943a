// Phrases that are put together: durations, distances, refusals, an alarm's history. Pure.

import { ApiError } from '../api'
import type { Alarm, HistoryEntry, Words } from '../types'
import { name, words, type Lang, type Messages } from './index'

export function duration(t: Messages, seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  return whole < 120 ? t.time.seconds(whole) : t.time.minutes(Math.round(whole / 60))
}

export function ago(t: Messages, ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return t.time.seconds_ago(seconds)
  if (seconds < 3600) return t.time.minutes_ago(Math.floor(seconds / 60))
  if (seconds < 86_400) return t.time.hours_ago(Math.floor(seconds / 3600))
  return t.time.days_ago(Math.floor(seconds / 86_400))
}

export function distance(t: Messages, metres: number | null | undefined): string {
  if (metres == null) return t.unknown
  return metres < 950 ? t.time.metres(Math.round(metres / 10) * 10) : t.time.kilometres((metres / 1000).toFixed(1))
}

/** Whole minutes on the way, at least one. */
export function travel_minutes(seconds: number): number {
  return Math.max(1, Math.round(seconds / 60))
}

/** A refusal in words: its code through the dictionary. */
export function refusal(t: Messages, error: unknown): string {
  const code = error instanceof ApiError ? error.code : 'server_error'
  const known = t.errors as Record<string, unknown>
  const text = known[code]
  return typeof text === 'string' ? text : t.errors.other(code)
}

/** Who, for a list row: the resident, else what is known of the sender. */
export function who(t: Messages, lang: Lang, alarm: Pick<Alarm, 'resident' | 'device' | 'gateway'>): string {
  if (alarm.resident !== null) return name(lang, alarm.resident)
  if (alarm.device !== null) return words(lang, alarm.device.name)
  return t.row.unregistered
}

/** A device and its room, without saying the room twice. */
export function device_at(t: Messages, lang: Lang, device: { name: Words; room: Words }): string {
  const [name_, room] = [words(lang, device.name), words(lang, device.room)]
  return name_.toLowerCase().includes(room.toLowerCase()) ? name_ : t.history.device_in(name_, room)
}

/** Outcome with its reason. */
export function outcome(t: Messages, code: string | null, sub_reason: string | null): string {
  const main = entry(t.outcomes, code ?? '') || (code ?? '')
  const sub = entry(t.sub_reasons, sub_reason ?? '')
  return [main, sub].filter(Boolean).join(t.list_comma)
}

function entry(table: object, code: string): string {
  const text = (table as Record<string, unknown>)[code]
  return typeof text === 'string' ? text : ''
}

export interface Told {
  text: string
  detail: string
  tone: 'alarm' | 'person' | 'plain'
}

/** One row of a history, in words. A type that this build does not know still shows. */
export function told(t: Messages, lang: Lang, row: HistoryEntry): Told {
  const by = row.by === null ? t.history.someone : name(lang, row.by)
  const data = row.data ?? {}
  const offer = object(data['offer'])
  const station = name(lang, named(offer['station'])) || t.history.station
  const responder = name(lang, named(offer['responder'])) || (row.by === null ? t.history.responder : by)
  const note = typeof data['text'] === 'string' ? data['text'] : string(data['note'])
  const person = (text: string, detail = ''): Told => ({ text, detail, tone: 'person' })
  const plain = (text: string, detail = ''): Told => ({ text, detail, tone: 'plain' })
  switch (row.type) {
    case 'raised':
      return { text: raised(t, lang, data), detail: '', tone: 'alarm' }
    case 'repeated':
      return { text: repeated(t, data), detail: '', tone: 'alarm' }
    case 'echoed':
      return plain(t.history.echoed)
    case 'cancelled':
      return plain(t.history.cancelled)
    case 'cleared':
      return plain(t.history.cleared)
    case 'claimed':
      return person(t.history.claimed(by))
    case 'released':
      return person(t.history.released(by))
    case 'noted':
      return person(t.history.noted(by), note)
    case 'revealed':
      return person(t.history.revealed(by))
    case 'offered':
      return person(t.history.offered(station))
    case 'accepted':
      return person(t.history.accepted(responder))
    case 'offer_ended':
      return plain(ended(t, station, data), data['is_last'] === true ? t.history.ended_last : '')
    case 'departed':
      return person(t.history.departed(responder))
    case 'arrived':
      return person(t.history.arrived(responder))
    case 'reported':
      return person(t.history.reported(responder), report(t, object(data['report'])))
    case 'closed':
      return person(t.history.closed(by, outcome(t, string(data['outcome']), string(data['sub_reason']))), note)
    case 'escalated':
      return plain(t.history.escalated(words(lang, object(object(data['mark'])['label']) as unknown as Words)))
    default:
      return plain(t.history.other(row.type))
  }
}

function raised(t: Messages, lang: Lang, data: Record<string, unknown>): string {
  const alarm = object(data['alarm'])
  if (alarm['kind'] === 'technical') return t.history.raised_technical
  if (alarm['kind'] !== 'sos' && alarm['kind'] !== undefined) return words(lang, alarm['say'] as Words)
  const device = object(alarm['device'])
  if (device['name'] === undefined) return t.history.raised
  return t.history.raised_device(device_at(t, lang, device as unknown as { name: Words; room: Words }))
}

/** A press of a button has its number in the gateway's journal; what a rule concludes later has none. */
function repeated(t: Messages, data: Record<string, unknown>): string {
  const severity = entry(t.severity, string(data['severity']))
  if (string(object(data['press'])['key']).includes(':rise:')) return t.history.worse(severity)
  return typeof object(data['press'])['journal'] === 'string' ? t.history.repeated : t.history.told_again
}

function ended(t: Messages, station: string, data: Record<string, unknown>): string {
  if (data['why'] === 'expired') return t.history.ended_expired(station)
  if (data['why'] === 'withdrawn') return t.history.ended_withdrawn(station)
  return t.history.ended_declined(station, entry(t.take.reasons, string(data['reason'])) || t.take.reasons.other)
}

function report(t: Messages, data: Record<string, unknown>): string {
  const parts = [
    entry(t.report.founds, string(data['found'])),
    entry(t.report.actions, string(data['action'])),
    entry(t.report.handovers, string(data['handover'])),
  ]
  return parts.filter(Boolean).join(t.list_comma)
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function named(value: unknown): { name: string; name_en?: string } | null {
  const found = object(value)
  return typeof found['name'] === 'string' ? (found as { name: string; name_en?: string }) : null
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
