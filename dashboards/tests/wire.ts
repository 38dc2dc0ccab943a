// What the server's OpenAPI document says fits what the pages believe. Checked by svelte-check alone: nothing runs.

import type { components } from '../src/core/api-types'
import type * as pages from '../src/core/types'

type Server = components['schemas']
type Fits<Sent extends Expected, Expected> = Sent

export type Wire = [
  Fits<Server['Alarm'], pages.Alarm>,
  Fits<Server['AlarmDetail'], pages.AlarmDetail>,
  Fits<Server['Candidate'], pages.Candidate>,
  Fits<Server['Contact'], pages.Contact>,
  Fits<Server['MapShown'], pages.MapShown>,
  Fits<Server['Offer'], pages.Offer>,
  Fits<Server['SessionShown'], pages.Session>,
  Fits<Server['Station'], pages.Station>,
  Fits<Server['Unit'], pages.Unit>,
  Fits<pages.Report, Server['ReportBody']>,
  Fits<pages.DeclineReason, Server['DeclineBody']['reason']>,
]
