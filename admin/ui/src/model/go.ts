// go opens an app's window.
import type { AppId } from '../apps/registry';
import { openApp } from '../desk/desk.svelte';
import type { Params } from '../desk/windows.svelte';

export function go(app: AppId, params: Params = {}): void {
  openApp(app, params);
}
