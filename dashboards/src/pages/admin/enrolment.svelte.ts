// A home that is being enrolled: what is filled in, what is missing, and how it is sent.

import { device_form, fresh_id, place } from '../../core/office'
import { refusal } from '../../core/i18n/say'
import { language } from '../../ui/lang.svelte'
import { office } from './calls'
import { fault_of, kept_devices, names_of, type DeviceRow } from './enrol'
import { fleet, homes, sightings, words } from './state.svelte'

export const NEW = ''

export class Enrolment {
  gateway = $state(NEW)
  gateway_id = $state(fresh_id('gw-'))
  area = $state('')
  address = $state('')
  where = $state('')
  notes = $state('')
  door_code = $state('')
  plan = $state('')
  /** age: a number once something is typed. */
  person = $state<{ name: string; age: number | null; sex: 'f' | 'm'; alone: boolean }>({
    name: '',
    age: null,
    sex: 'f',
    alone: true,
  })
  contact = $state({ name: '', relation: '', phone: '', has_key: false })
  devices = $state<DeviceRow[]>([{ key: 'sos-bath', room: 'bathroom', at: '' }])
  error = $state('')
  is_busy = $state(false)
  done = $state<{ code: string; expires_ms: number } | 'known' | null>(null)
  /** Kept over a second try, so that it changes what the first one entered. */
  readonly #ids = { home: fresh_id('ho-'), resident: fresh_id('rs-') }
  readonly chosen = $derived(this.gateway === NEW ? this.gateway_id.trim() : this.gateway)
  readonly heard = $derived(
    (sightings.value ?? []).filter((one) => one.gateway_id === this.chosen).map((one) => one.uid.replace(/^z2m:/, '')),
  )

  async save(): Promise<void> {
    this.error = this.#complaint()
    if (this.error !== '' || this.is_busy) return
    this.is_busy = true
    try {
      await this.#send()
    } catch (refused) {
      this.error = refusal(language.t, refused)
    }
    this.is_busy = false
  }

  #complaint(): string {
    const t = words.t.enrol
    const { name, phone } = this.contact
    const must: [string, string][] = [
      [this.chosen, t.gateway_id],
      [this.area, words.t.area],
      [this.address, t.address],
      [this.where, t.place],
      [this.person.name, t.name],
      [String(this.person.age ?? ''), t.age],
      [name === '' ? '' : phone, name === '' ? '' : t.phone],
    ]
    const missing = must.filter(([value, what]) => value.trim() === '' && what !== '').map(([, what]) => what)
    if (missing.length > 0) return words.t.missing(missing.join(language.t.list_comma))
    if (place(this.where) === null) return t.bad_place
    const fault = fault_of(this.devices)
    return fault === null ? '' : t[fault]
  }

  async #send(): Promise<void> {
    const both = (text: string) => ({ zh: text.trim(), en: '' })
    const spot = place(this.where)
    if (spot === null) return
    if (this.gateway === NEW) await office.put_gateway(this.chosen, this.area, both(this.address))
    const name = this.person.name.trim()
    const door = this.door_code.trim()
    await office.put_home(this.chosen, {
      id: this.#ids.home,
      area: this.area,
      address: both(this.address),
      ...spot,
      kind: 'real',
      entry_notes: both(this.notes),
      call_plan: this.plan === '' ? null : this.plan,
      ...(door === '' ? {} : { door_code: door }),
      residents: [
        {
          id: this.#ids.resident,
          name,
          name_en: name,
          age: this.person.age ?? 0,
          sex: this.person.sex,
          lives_alone: this.person.alone,
          care_level: 0,
          conditions: [],
          hazards: [],
        },
      ],
      contacts: this.#contacts(),
    })
    for (const each of kept_devices(this.devices))
      await office.put_device(this.chosen, device_form(this.#ids.home, each.key, each.at, ...names_of(each)))
    this.done = this.#needs_code() ? await office.issue_code(this.chosen) : 'known'
    await homes.load()
  }

  #contacts() {
    const one = this.contact
    if (one.name.trim() === '') return []
    return [{ ...one, order: 1, name_en: one.name, relation_en: one.relation }]
  }

  #needs_code(): boolean {
    const known = fleet.value?.gateways.find(({ id }) => id === this.chosen)?.certificate ?? null
    return fleet.value?.can_enrol === true && (known === null || known.revoked_ms !== null)
  }
}
