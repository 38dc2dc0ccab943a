import { mount } from 'svelte'
import '../../design/tokens.css'
import '../../design/ui.css'
import '../../ui/base.css'
import './console.css'
import Console from './Console.svelte'

mount(Console, { target: document.getElementById('app') as HTMLElement })
