import { mount } from 'svelte'
import '../../design/tokens.css'
import '../../design/ui.css'
import '../../design/phone.css'
import '../../ui/base.css'
import './station.css'
import Station from './Station.svelte'

mount(Station, { target: document.getElementById('app') as HTMLElement })
