// How a person likes Files to look, and the favourites: kept in this browser.
import { remembered } from '../../ui/remembered.svelte';

type Kept = { tiles: boolean; sidebar: boolean; panel: boolean; favourites: readonly string[] };

const kept = remembered<Kept>('files', { tiles: false, sidebar: true, panel: false, favourites: [] });
const most = 30;

class Settings {
  get tiles(): boolean {
    return kept.value.tiles;
  }
  set tiles(on: boolean) {
    kept.value = { ...kept.value, tiles: on };
  }
  get sidebar(): boolean {
    return kept.value.sidebar;
  }
  set sidebar(on: boolean) {
    kept.value = { ...kept.value, sidebar: on };
  }
  get panel(): boolean {
    return kept.value.panel;
  }
  set panel(on: boolean) {
    kept.value = { ...kept.value, panel: on };
  }
  get favourites(): readonly string[] {
    return kept.value.favourites;
  }

  favourite(path: string): void {
    const all = this.favourites;
    kept.value = { ...kept.value, favourites: all.includes(path) ? all.filter((p) => p !== path) : [...all, path].slice(-most) };
  }
}

export type Look = Settings;
export const look = new Settings();
