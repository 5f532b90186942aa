// keepFocus remembers what has the focus. The answer gives it back: not where it
// is gone, and not where something else has taken it meanwhile.
export function keepFocus(): () => void {
  const back = document.activeElement;
  return () => {
    const lost = !document.activeElement || document.activeElement === document.body;
    if (lost && back instanceof HTMLElement && back.isConnected) back.focus({ preventScroll: true });
  };
}
