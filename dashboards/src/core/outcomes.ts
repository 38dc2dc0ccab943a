// How a case can end, and the four taps of a responder's report. The same codes as the server's.

import type { Action, DeclineReason, FollowUp, Found, Handover } from './types'

export const OUTCOMES = ['true', 'false', 'test', 'duplicate', 'technical', 'cancelled'] as const
export type OutcomeCode = (typeof OUTCOMES)[number]

export const SUB_REASONS: Record<OutcomeCode, readonly string[]> = {
  true: ['fall', 'illness', 'fire_gas', 'other'],
  false: ['accidental_press', 'device_fault', 'child_or_pet', 'other'],
  test: ['resident_test', 'installer_test', 'drill'],
  duplicate: ['same_event'],
  technical: ['gateway', 'device', 'network', 'unreadable', 'unregistered'],
  cancelled: ['by_resident', 'by_family'],
}

export const FOUND: readonly Found[] = ['conscious_ok', 'injured', 'unwell', 'unconscious', 'not_home', 'no_entry']
export const ACTIONS: readonly Action[] = ['helped_up', 'first_aid', 'called_120', 'reassured', 'none']
export const HANDOVERS: readonly Handover[] = ['family', 'hospital', 'stays_home', 'neighbour']
export const FOLLOW_UPS: readonly FollowUp[] = ['none', 'visit_today', 'doctor', 'device_check']
export const DECLINE_REASONS: readonly DeclineReason[] = ['busy', 'too_far', 'not_qualified', 'vehicle', 'other']
