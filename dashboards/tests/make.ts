// Things that tests need, made with one line each.

import type { Alarm, Op, Row, Severity } from '../src/core/types'

export function alarm(id: string, more: Partial<Alarm> = {}): Alarm {
  return {
    id,
    no: `261124-${id}`,
    kind: 'sos',
    severity: 'critical' as Severity,
    condition: 'active',
    handling: 'unclaimed',
    rev: 1,
    raised_at_ms: 0,
    pressed_at_ms: null,
    received_at_ms: 0,
    age_at_receipt_ms: null,
    is_late: false,
    presses: 1,
    last_press_at_ms: null,
    is_cancelled_by_resident: false,
    claimed_by: null,
    claimed_at_ms: null,
    escalation: null,
    say: { zh: '', en: '' },
    home: null,
    resident: null,
    device: null,
    gateway: null,
    offer: null,
    outcome: null,
    sub_reason: null,
    targets: { claim_s: 30, dispatch_s: 90, arrive_s: 900 },
    ...more,
  }
}

export const row = (id: string, rev = 1): Row => ({ coll: 'alarms', id, rev, v: alarm(id, { rev }) })
export const put = (id: string, rev = 1): Op => ({ op: 'put', ...row(id, rev) })
export const del = (id: string, rev = 1): Op => ({ op: 'del', coll: 'alarms', id, rev })
export const me = { id: 'ac-me', name: 'Me', name_en: 'Me' }
export const other = { id: 'ac-other', name: 'Other', name_en: 'Other' }
