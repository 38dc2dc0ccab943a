import { mount } from 'svelte'
import '../../design/tokens.css'
import '../../design/ui.css'
import '../../ui/base.css'
import Login from './Login.svelte'

mount(Login, { target: document.getElementById('app') as HTMLElement })
