import { mount } from 'svelte'
import 'uplot/dist/uPlot.min.css'
import '../../design/tokens.css'
import '../../design/ui.css'
import '../../ui/base.css'
import './resident.css'
import Resident from './Resident.svelte'

mount(Resident, { target: document.getElementById('app') as HTMLElement })
