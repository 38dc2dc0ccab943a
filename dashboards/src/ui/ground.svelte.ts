// What this installation's maps are drawn on: tiles, outlines of its areas, or the schematic that came with the pages.

import { ApiError } from '../core/api'
import type { Archive } from '../core/map/archive'
import { outline_of, whole_of } from '../core/map/outline'
import { DISTRICT } from '../core/map/project'
import type { Grid } from '../core/map/tiles'
import type { DrawnArea, Ground } from '../core/types'
import { language } from './lang.svelte'
import { api } from './session.svelte'

const AGAIN_AFTER_MS = 10_000
const IMAGE_PX = 256

class MapGround {
  source = $state.raw<Ground | null>(null)
  archive = $state.raw<Archive | null>(null)
  /** Nothing of what is to be seen could be loaded. Marks stand right without it. */
  is_failing = $state(false)
  #areas = $state.raw<DrawnArea[]>([])
  #is_asked = false

  readonly outlines = $derived(this.#areas.map(outline_of))
  readonly whole = $derived(whole_of(this.#areas) ?? DISTRICT)
  readonly is_schematic = $derived(this.source === null && this.outlines.length === 0)
  readonly grid = $derived.by<Grid | null>(() => {
    if (this.source === null) return null
    const { datum, zoom_max, kind } = this.source
    if (kind === 'raster') return { datum, zoom_max, zoom_min: 0, tile_px: IMAGE_PX }
    return this.archive === null ? null : { datum, ...this.archive.zooms }
  })

  readonly picture = $derived(this.is_schematic ? language.t.map.picture : language.t.map.picture_tiles)
  readonly note = $derived.by(() => {
    const t = language.t.map
    if (this.is_failing) return t.tiles_failed
    return this.source?.attribution ?? (this.is_schematic ? t.schematic : t.outlines)
  })

  /** Until it is known, the schematic is shown. */
  async load(): Promise<void> {
    if (this.#is_asked) return
    this.#is_asked = true
    while (!(await this.#try())) await new Promise((done) => setTimeout(done, AGAIN_AFTER_MS))
  }

  async #try(): Promise<boolean> {
    try {
      const { ground, areas } = await api.map()
      this.source = ground
      this.#areas = areas
      if (ground?.kind === 'pmtiles') {
        const { open_archive } = await import('../core/map/archive')
        this.archive = await open_archive(ground.urls[0] ?? '')
      }
      this.is_failing = false
      return true
    } catch (error) {
      this.is_failing = this.source !== null
      return error instanceof ApiError && !error.is_open
    }
  }
}

export const ground = new MapGround()
