// What the page holds: lists that are loaded on their own, and the words.

import { ApiError } from '../../core/api'
import { office_en } from '../../core/i18n/office.en'
import { office_zh, type OfficeMessages } from '../../core/i18n/office.zh-CN'
import { refusal } from '../../core/i18n/say'
import { SITE_ZONE } from '../../core/time'
import type { Role } from '../../core/types'
import { language } from '../../ui/lang.svelte'
import { leave_for_login, signed_in } from '../../ui/session.svelte'
import { office } from './calls'

class OfficeWords {
  get t(): OfficeMessages {
    return language.lang === 'zh' ? office_zh : office_en
  }

  day(at_ms: number): string {
    const options: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeZone: SITE_ZONE }
    return new Intl.DateTimeFormat(language.lang === 'zh' ? 'zh-CN' : 'en-GB', options).format(at_ms)
  }

  minute(at_ms: number): string {
    const options: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short', timeZone: SITE_ZONE }
    return new Intl.DateTimeFormat(language.lang === 'zh' ? 'zh-CN' : 'en-GB', options).format(at_ms)
  }
}

export const words = new OfficeWords()

/** So many rows are drawn: a district has 20,000 homes, and nobody reads on. */
export const ROWS_MAX = 200

/** Whether one of the texts holds what is sought; everything does where nothing is. */
export function fits(sought: string, ...texts: string[]): boolean {
  const wanted = sought.trim().toLowerCase()
  return texts.some((each) => each.toLowerCase().includes(wanted))
}

/** One list of the server's. What was loaded stays where loading fails later. */
export class Loaded<T> {
  value = $state.raw<T | null>(null)
  error = $state<string | null>(null)
  readonly #get: () => Promise<T>

  constructor(get: () => Promise<T>) {
    this.#get = get
  }

  load = async (): Promise<void> => {
    try {
      this.value = await this.#get()
      this.error = null
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return leave_for_login()
      this.error = refusal(language.t, error)
    }
  }
}

export const areas = new Loaded(office.areas)
export const stations = new Loaded(office.stations)
export const fleet = new Loaded(office.fleet)
export const homes = new Loaded(office.homes)
export const sightings = new Loaded(office.sightings)
export const plans = new Loaded(office.plans)
export const accounts = new Loaded(office.accounts)
export const removals = new Loaded(office.removals)

export function area_name(id: string | null): string {
  const area = areas.value?.find((each) => each.id === id)
  return area === undefined ? (id ?? '') : language.words(area.name)
}

/** An account's name, where the list of accounts is known; else its id. */
export function who(id: string): string {
  if (id === 'cli') return words.t.audit.command_line
  if (id === 'system' || id === '') return words.t.audit.system
  const found = accounts.value?.find(({ account }) => account.id === id)
  return found === undefined ? id : language.name(found.account)
}

export const SECTIONS = ['homes', 'gateways', 'accounts', 'plans', 'areas', 'removals', 'audit'] as const
export type Section = (typeof SECTIONS)[number]

const OF: Partial<Record<Role, readonly Section[]>> = {
  administrator: ['homes', 'gateways', 'accounts', 'plans', 'areas', 'removals'],
  supervisor: ['homes', 'plans'],
  auditor: ['audit', 'gateways', 'accounts', 'removals'],
}

export function sections(): readonly Section[] {
  return OF[signed_in.account?.role ?? 'family'] ?? []
}

export function is_administrator(): boolean {
  return signed_in.account?.role === 'administrator'
}
