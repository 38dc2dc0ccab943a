// The language of the page: reactive, remembered, told to the document.

import { choose, dictionaries, initial, name, tags, words, type Lang, type Messages } from '../core/i18n'
import type { Words } from '../core/types'

const KEPT = 'anju.lang'

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT)
  } catch {
    return null // storage can be forbidden
  }
}

class Language {
  lang = $state<Lang>(choose(new URLSearchParams(location.search).get('lang'), kept(), document.documentElement.lang))

  constructor() {
    document.documentElement.lang = tags[this.lang]
  }

  get t(): Messages {
    return dictionaries[this.lang]
  }

  /** An account's own language counts only where nothing was chosen here. */
  suggest(lang: Lang | null | undefined): void {
    const is_chosen = kept() !== null || new URLSearchParams(location.search).has('lang')
    if (lang != null && !is_chosen) this.#set(lang)
  }

  toggle(): void {
    this.#set(this.lang === 'zh' ? 'en' : 'zh')
    try {
      localStorage.setItem(KEPT, this.lang)
    } catch {
      // then it holds for this page only
    }
  }

  #set(lang: Lang): void {
    this.lang = lang
    document.documentElement.lang = tags[lang]
  }

  words = (text: Words | null | undefined): string => words(this.lang, text)
  name = (person: { name: string; name_en?: string | null } | null | undefined): string => name(this.lang, person)
  initial = (person: { name: string; name_en?: string | null }): string => initial(this.lang, person)
}

export const language = new Language()
