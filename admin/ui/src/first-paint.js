// Runs before the first paint: the remembered look, so that nothing flashes.
try {
  const look = JSON.parse(localStorage.getItem('ken.look') || '{}');
  const root = document.documentElement;
  if (look.theme === 'light' || look.theme === 'dark') root.dataset.theme = look.theme;
  if (look.contrast) root.dataset.contrast = 'high';
} catch {
  // Storage is off or holds something else: the system's theme it is.
}
