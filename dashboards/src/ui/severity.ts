// How the style sheet calls the severities.

import type { Severity } from '../core/types'

export const short: Record<Severity, string> = { critical: 'crit', high: 'high', medium: 'med', low: 'low' }
