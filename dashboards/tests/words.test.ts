import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { office_en } from '../src/core/i18n/office.en'
import { office_zh } from '../src/core/i18n/office.zh-CN'
import { choose, dictionaries, type Messages } from '../src/core/i18n'
import { ago, distance, duration, refusal, told } from '../src/core/i18n/say'
import { ApiError } from '../src/core/api'
import { KIND_ICON } from '../src/ui/kinds'
import type { HistoryEntry } from '../src/core/types'

const ROOT = join(import.meta.dirname, '..')
const CJK = /[\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]/
const OFFICE = ['src/core/i18n/office.zh-CN.ts', 'src/core/i18n/office.en.ts']
const DICTIONARIES = ['src/core/i18n/zh-CN.ts', 'src/core/i18n/en.ts', ...OFFICE]
const { zh, en } = dictionaries

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? files(path) : [path]
  })
}

const sources = [...files(join(ROOT, 'src')), ...['login', 'console', 'station', 'home', 'resident', 'admin'].map((p) => join(ROOT, `${p}.html`))]
  .filter((path) => /\.(ts|svelte|html|css|svg)$/.test(path))
  .map((path) => relative(ROOT, path))

test('no Chinese character stands outside the dictionaries', () => {
  // design/ is taken over as it is; its comments name the product, keys.ts knows the full-width question mark
  const exempt = new Set([...DICTIONARIES, 'src/core/keys.ts'])
  const found = sources
    .filter((path) => !exempt.has(path) && !path.startsWith('src/design/'))
    .filter((path) => CJK.test(readFileSync(join(ROOT, path), 'utf8')))

  expect(found).toEqual([])
})

test('the English dictionary is English but for the name of the other language', () => {
  const lines = readFileSync(join(ROOT, 'src/core/i18n/en.ts'), 'utf8').split('\n')

  expect(lines.filter((line) => CJK.test(line)).map((line) => line.trim().split(':')[0])).toEqual([
    'switch_language',
    'other_language',
  ])
})

/** All texts of a dictionary by path; functions called with plain numbers. */
function texts(node: unknown, path = ''): [string, string][] {
  if (typeof node === 'function') return [[path, String((node as (...a: unknown[]) => unknown)(2, 2, 2))]]
  if (typeof node === 'string') return [[path, node]]
  return Object.entries(node as object).flatMap(([key, value]) => texts(value, path ? `${path}.${key}` : key))
}

test('both dictionaries say the same keys, and say something at each', () => {
  const [zhs, ens] = [texts(zh), texts(en)]

  expect(ens.map(([key]) => key)).toEqual(zhs.map(([key]) => key))
  const silent_in_english = ['way.eta_end']
  expect([...zhs, ...ens].filter(([key, text]) => text === '' && !silent_in_english.includes(key))).toEqual([])
})

test('the office says the same in both languages, and English in English', () => {
  const [zhs, ens] = [texts(office_zh), texts(office_en)]

  expect(ens.map(([key]) => key)).toEqual(zhs.map(([key]) => key))
  expect([...zhs, ...ens].filter(([, text]) => text === '')).toEqual([])
  expect(ens.filter(([, text]) => CJK.test(text))).toEqual([])
})

test('every text is used by some page', () => {
  const code = sources
    .filter((path) => !DICTIONARIES.includes(path))
    .map((path) => readFileSync(join(ROOT, path), 'utf8'))
    .join('\n')
  // looked up by a value from the wire
  const by_code = /^(copy_by_hand|enrol\.(bad_at|twice))$|^person\.(fe)?male$|^(severity|kind|kind_short|errors|outcomes|sub_reasons|keys|take\.reasons|offer\.state|offer\.steps|home\.lamp|home\.rooms|map\.areas|resident\.(panels|states)|roles|tabs|enrol\.(kinds|rooms)|areas\.kinds|gateways\.(state|reasons)|removals\.(state|done)|report\.(founds|actions|handovers|follow_ups))\./
  const unused = [...texts(zh), ...texts(office_zh)]
    .map(([key]) => key)
    .filter((key) => !by_code.test(key) && !new RegExp(`\\.${key.split('.').pop()}\\b`).test(code))

  expect(unused).toEqual([])
})

describe('phrases', () => {
  test('durations and distances', () => {
    expect(duration(zh, 30)).toBe('30 秒')
    expect(duration(zh, 900)).toBe('15 分钟')
    expect(distance(en, 1234)).toBe('1.2 km')
    expect(distance(en, 342)).toBe('340 m')
    expect(ago(en, 125_000)).toBe('2 min ago')
  })

  test('a refusal is told by its code, an unknown code still shows', () => {
    expect(refusal(en, new ApiError(409, 'nobody_on_duty'))).toBe('Nobody is on duty to be sent')
    expect(refusal(en, new ApiError(418, 'teapot'))).toContain('teapot')
  })

  test('the language follows the first wish that names one', () => {
    expect(choose(null, 'en', 'zh')).toBe('en')
    expect(choose('fr', undefined, 'zh-CN')).toBe('zh')
    expect(choose()).toBe('zh')
  })
})

describe('history', () => {
  const row = (type: string, data: Record<string, unknown> = {}): HistoryEntry => ({
    n: 1,
    at_ms: 0,
    type,
    by: { id: 'ac-1', name: '林晓岚', name_en: 'Lin Xiaolan' },
    data,
  })
  const say = (t: Messages, lang: 'zh' | 'en', r: HistoryEntry) => told(t, lang, r).text
  const offer = { station: { name: '安和站', name_en: 'Anhe' }, responder: { name: '陈立', name_en: 'Chen Li' } }

  test('says who did what', () => {
    expect(say(zh, 'zh', row('claimed'))).toBe('林晓岚受理')
    expect(say(en, 'en', row('accepted', { offer }))).toBe('Chen Li accepted')
    expect(say(en, 'en', row('offer_ended', { offer, why: 'declined', reason: 'busy' }))).toBe('Anhe declined: Busy')
  })

  test('shows a type that this build does not know', () => {
    expect(say(en, 'en', row('teleported'))).toBe('Entry (teleported)')
  })
})

test('what a rule concludes is told in its own words, and again as what it is', () => {
  const row = (type: string, data: Record<string, unknown>): HistoryEntry => ({ n: 1, at_ms: 0, type, by: null, data })
  const gas = { kind: 'gas', say: { zh: '检测到燃气', en: 'has detected gas' } }

  expect(told(en, 'en', row('raised', { alarm: gas })).text).toBe('has detected gas')
  expect(told(en, 'en', row('repeated', { press: { key: 'k', journal: 'j' } })).text).toBe(en.history.repeated)
  expect(told(en, 'en', row('repeated', { press: { key: 'gas:hall:1' } })).text).toBe(en.history.told_again)
  expect(told(zh, 'zh', row('repeated', { press: { key: 'a/b:rise:1' }, severity: 'high' })).text).toBe('升为高')
  expect(told(en, 'en', row('cleared', {})).text).toBe(en.history.cleared)
})

test('every kind of alarm has its picture in the sprite', () => {
  const sprite = readFileSync(join(ROOT, 'src/design/icons.svg'), 'utf8')

  expect(Object.keys(KIND_ICON).sort()).toEqual(Object.keys(zh.kind).sort())
  expect(Object.values(KIND_ICON).filter((name) => !sprite.includes(`id="i-${name}"`))).toEqual([])
})
