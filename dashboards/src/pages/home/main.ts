import { mount } from 'svelte'
import '../../design/tokens.css'
import '../../design/ui.css'
import '../../ui/base.css'
import VirtualHome from './VirtualHome.svelte'

mount(VirtualHome, { target: document.getElementById('app') as HTMLElement })
