// The office's requests.

import type {
  AccountEntry,
  AccountShown,
  Area,
  AuditEntry,
  CallPlan,
  Chain,
  ContactEntry,
  DeviceForm,
  Fleet,
  HomeDetail,
  HomeForm,
  HomeRow,
  Removal,
  Sighting,
} from '../../core/office'
import type { Named, Station, Words } from '../../core/types'
import { api } from '../../ui/session.svelte'

const at = encodeURIComponent

export type AccountStep = 'disable' | 'enable' | 'link' | 'reset'
export type RemovalStep = 'confirm' | 'refuse' | 'undo'

export const office = {
  areas: async () => (await api.get<{ areas: Area[] }>('/api/areas')).areas,
  put_area: (area: { id: string; kind: Area['kind']; name: Words; parent: string | null }) =>
    api.command('PUT', '/api/areas', area),
  stations: async () => (await api.get<{ stations: Station[] }>('/api/stations')).stations,
  responders: async (station: string) =>
    (await api.get<{ responders: Named[] }>(`/api/stations/${at(station)}/responders`)).responders,

  fleet: () => api.get<Fleet>('/api/fleet'),
  put_gateway: (id: string, area: string, name: Words) => api.command('PUT', '/api/gateways', { id, area, name }),
  issue_code: (id: string) =>
    api.command<{ code: string; expires_ms: number }>('POST', `/api/gateways/${at(id)}/code`, {}),
  revoke: (id: string, reason: string) => api.command('POST', `/api/gateways/${at(id)}/revoke`, { reason }),
  sightings: async () => (await api.get<{ sightings: Sighting[] }>('/api/sightings')).sightings,

  homes: async () => (await api.get<{ homes: HomeRow[] }>('/api/homes')).homes,
  home: (id: string) => api.get<HomeDetail>(`/api/homes/${at(id)}`),
  put_home: (gateway: string, home: HomeForm) => api.command('PUT', `/api/gateways/${at(gateway)}/homes`, home),
  put_device: (gateway: string, device: DeviceForm) =>
    api.command('PUT', `/api/gateways/${at(gateway)}/devices`, device),
  remove_device: (gateway: string, uid: string) =>
    api.command('DELETE', `/api/gateways/${at(gateway)}/devices/${at(uid)}`),
  put_calls: (home: string, call_plan: string | null, contacts: ContactEntry[]) =>
    api.command('PUT', `/api/homes/${at(home)}/calls`, { call_plan, contacts }),
  remove_contact: (home: string, order: number) => api.command('DELETE', `/api/homes/${at(home)}/contacts/${order}`),

  plans: async () => (await api.get<{ call_plans: CallPlan[] }>('/api/call-plans')).call_plans,
  put_plan: (plan: CallPlan) => api.command('PUT', '/api/call-plans', plan),
  remove_plan: (id: string) => api.command('DELETE', `/api/call-plans/${at(id)}`),

  accounts: async () => (await api.get<{ accounts: AccountShown[] }>('/api/accounts')).accounts,
  make_account: (entry: AccountEntry) => api.command<{ link_token: string }>('POST', '/api/accounts', entry),
  change_account: (id: string, entry: AccountEntry) => api.command('PUT', `/api/accounts/${at(id)}`, entry),
  account_step: (id: string, step: AccountStep) =>
    api.command<{ link_token: string | null }>('POST', `/api/accounts/${at(id)}/${step}`, {}),

  removals: async () => (await api.get<{ removals: Removal[] }>('/api/removals')).removals,
  ask_removal: (homes: string[], reason: string) => api.command('POST', '/api/removals', { homes, reason }),
  removal_step: (id: string, step: RemovalStep) => api.command('POST', `/api/removals/${at(id)}/${step}`, {}),

  audit: async (asked: { before?: number; who?: string; about?: string }) => {
    const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]))
    return (await api.get<{ entries: AuditEntry[] }>(`/api/audit?${query}`)).entries
  },
  chain: () => api.get<Chain>('/api/audit/chain'),
}
