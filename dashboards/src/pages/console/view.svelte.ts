// Which part of the map is shown: follows the selected alarm until somebody moves it.

import { DISTRICT, fit, move, project, zoom, type Point, type View } from '../../core/map/project'
import type { Alarm, Station } from '../../core/types'
import { ground } from '../../ui/ground.svelte'
import { desk } from './desk.svelte'

class MapView {
  base = $state.raw<View>(DISTRICT)
  width = $state(1)
  height = $state(1)
  #followed: string | null = null

  /** The view grown to the shape of the pane. */
  readonly view = $derived.by<View>(() => {
    const { x, y, w, h } = this.base
    const k = Math.max(w / this.width, h / this.height)
    const [vw, vh] = [k * this.width, k * this.height]
    return { x: x + (w - vw) / 2, y: y + (h - vh) / 2, w: vw, h: vh }
  })
  /** Units of the drawing a pixel. */
  readonly k = $derived(this.view.w / this.width)

  zoom(factor: number): void {
    this.base = zoom(this.base, factor)
  }

  drag(dx_px: number, dy_px: number): void {
    this.base = move(this.base, -dx_px * this.k, -dy_px * this.k)
  }

  whole(): void {
    this.base = ground.whole
  }

  /** Go where the selected alarm is, with the stations that matter; else to what is open. */
  follow(alarm: Alarm | null, stations: readonly Station[], open: readonly Alarm[]): void {
    const key = alarm?.id ?? `${open.length}/${stations.length}/${ground.outlines.length}`
    if (key === this.#followed) return
    this.#followed = key
    const homes = (alarm === null ? open : [alarm]).flatMap((one) => (one.home === null ? [] : [at(one.home)]))
    const near = stations.flatMap((one) => (one.lat === undefined || one.lon === undefined ? [] : [project(one.lat, one.lon)]))
    if (homes.length === 0 && alarm === null) this.base = ground.whole
    else this.base = fit([...homes, ...(homes.length > 0 ? near : [])])
  }

  here(): void {
    this.#followed = null
    this.follow(desk.alarm(desk.selected), desk.stations, desk.open)
  }
}

function at(place: { lat: number; lon: number }): Point {
  return project(place.lat, place.lon)
}

export const map_view = new MapView()
