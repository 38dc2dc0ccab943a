// Choosing a language and a text in it. Framework-free; ui/lang.svelte.ts makes it reactive.

import type { Words } from '../types'
import { en } from './en'
import { zh, type Messages } from './zh-CN'

export type { Messages }
export type Lang = 'zh' | 'en'

export const dictionaries: Record<Lang, Messages> = { zh, en }
/** What `lang` attributes say. */
export const tags: Record<Lang, string> = { zh: 'zh-CN', en: 'en' }

export function words(lang: Lang, text: Words | null | undefined): string {
  if (text == null) return ''
  return lang === 'en' ? text.en || text.zh : text.zh
}

export function name(lang: Lang, person: { name: string; name_en?: string | null } | null | undefined): string {
  if (person == null) return ''
  return lang === 'en' ? person.name_en || person.name : person.name
}

/** The first sign of a name, for a round mark. */
export function initial(lang: Lang, person: { name: string; name_en?: string | null }): string {
  return [...name(lang, person)][0]?.toUpperCase() ?? ''
}

/** First wish that names a language: address, what was chosen before, the account, the browser. */
export function choose(...wishes: (string | null | undefined)[]): Lang {
  for (const wish of wishes) {
    if (wish?.toLowerCase().startsWith('zh')) return 'zh'
    if (wish?.toLowerCase().startsWith('en')) return 'en'
  }
  return 'zh'
}
