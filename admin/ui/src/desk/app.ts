// What the desk gives to an app.
import type { Params } from './windows.svelte';

export type AppWindow = {
  // params are the address of what is shown: /d/nodes/dn-07?tab=disks gives
  // {id: 'dn-07', tab: 'disks'}. Reading them is reactive.
  readonly params: Params;
  // setParams changes the address; with push the Back button returns.
  setParams: (params: Params, push?: boolean) => void;
  setTitle: (title: string) => void;
  close: () => void;
  // visible is false while the window is minimised: stop what costs.
  readonly visible: boolean;
};

export type AppProps = { win: AppWindow };
