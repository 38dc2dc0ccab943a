import { mount } from 'svelte'
import '../../design/tokens.css'
import '../../design/ui.css'
import '../../ui/base.css'
import './admin.css'
import Admin from './Admin.svelte'

mount(Admin, { target: document.getElementById('app') as HTMLElement })
